/** Packages that come as ES modules only, which jest cannot load as they are. */
const ES_MODULES =
	'(parse5|entities|mpg123-decoder|ogg-opus-decoder|opus-decoder|codec-parser|simple-yenc|@wasm-audio-decoders)/';

const transform = {
	[`(\\.ts|/node_modules/${ES_MODULES}.*\\.js)$`]: [
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
	transformIgnorePatterns: [`/node_modules/(?!${ES_MODULES})`],
});

// Generous, since machines that run tests are busy; no test measures its own speed.
module.exports = {
	projects: [project('unit'), project('integration')],
	testTimeout: 60_000,
	maxWorkers: 3,
};
