const transform = {
	'\\.ts$': [
		'@swc/jest',
		{
			jsc: { parser: { syntax: 'typescript' }, target: 'es2024' },
			module: { type: 'commonjs' },
			sourceMaps: 'inline',
		},
	],
};

const project = (name) => ({
	displayName: name,
	rootDir: __dirname,
	testEnvironment: 'node',
	testMatch: [`<rootDir>/test/${name}/**/*.test.ts`],
	moduleFileExtensions: ['ts', 'js', 'json', 'node'],
	modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.cache/'],
	transform,
});

// Generous, since machines that run tests are busy; no test measures its own speed.
module.exports = {
	projects: [project('unit'), project('integration')],
	testTimeout: 60_000,
	maxWorkers: 3,
};
