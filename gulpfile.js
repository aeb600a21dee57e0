const { spawn } = require('node:child_process');
const { dest, parallel, series, src } = require('gulp');
const { rimraf } = require('rimraf');

const clean = () => rimraf('dist');

/** gulp fails the task when the compiler ends with another status than 0. */
const compile = () =>
	spawn(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.json'], {
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
