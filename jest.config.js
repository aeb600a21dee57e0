// TypeScript, and what is published as ES modules only, for jest's own CommonJS.
const transform = {
	'\\.ts$|/node_modules/(parse5|entities)/.*\\.js$': [
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
	transformIgnorePatterns: ['/node_modules/(?!(parse5|entities)/)'],
});

// Generous, since machines that run tests are busy; no test measures its own speed.
module.exports = {
	projects: [project('unit'), project('integration')],
	testTimeout: 60_000,
	maxWorkers: 3,
};
