const { projects } = require('../../jest.config.js');

const [{ transform, transformIgnorePatterns, moduleFileExtensions }] = projects;

module.exports = {
	rootDir: __dirname,
	displayName: 'e2e',
	testEnvironment: 'node',
	testMatch: ['<rootDir>/**/*.test.ts'],
	globalSetup: '<rootDir>/globalSetup.ts',
	globalTeardown: '<rootDir>/globalTeardown.ts',
	// A run in n8n takes a second or two; the first opening of the editor up to ten.
	testTimeout: 60_000,
	moduleFileExtensions,
	transform,
	transformIgnorePatterns,
};
