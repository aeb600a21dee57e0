const { spawn } = require('node:child_process');
const { dest, parallel, series, src } = require('gulp');
const { rimraf } = require('rimraf');

const clean = () => rimraf('dist');

// n8n loads the compiled files alone; declarations and maps of sources that are not shipped help nobody.
const COMPILER_OPTIONS = ['-p', 'tsconfig.json', '--declaration', 'false', '--sourceMap', 'false'];

/** gulp fails the task when the compiler ends with another status than 0. */
const compile = () =>
	spawn(process.execPath, [require.resolve('typescript/bin/tsc'), ...COMPILER_OPTIONS], {
		stdio: 'inherit',
	});

// `encoding: false`: gulp 5 would otherwise re-encode pictures as UTF-8 text.
const copyIcons = () => src('icons/**/*', { encoding: false }).pipe(dest('dist/icons'));

const copyNodeAssets = () =>
	src(['nodes/**/*.{svg,png}', 'credentials/**/*.{svg,png}', 'nodes/**/*.node.json'], {
		base: '.',
		encoding: false,
	}).pipe(dest('dist'));

exports.build = series(clean, parallel(compile, copyIcons, copyNodeAssets));
exports.default = exports.build;
