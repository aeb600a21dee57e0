import tooling from '../../eslint.tooling.mjs';

export default [
	...tooling,
	{
		files: ['**/jest.config.js'],
		languageOptions: {
			sourceType: 'commonjs',
			globals: { __dirname: 'readonly', module: 'writable', require: 'readonly' },
		},
	},
];
