import tooling from '../eslint.tooling.mjs';

export default [
	...tooling,
	{
		files: ['**/*.cjs'],
		languageOptions: {
			sourceType: 'commonjs',
			globals: {
				clearInterval: 'readonly',
				console: 'readonly',
				module: 'writable',
				process: 'readonly',
				require: 'readonly',
				setInterval: 'readonly',
			},
		},
	},
];
