import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * For code that is never shipped: tests, sandbox and scripts may use the file system and timers,
 * which n8n's rules for nodes forbid. Each of those folders points its own eslint.config.mjs here.
 */
export default tseslint.config(
	{ ignores: ['**/output/**', '**/node_modules/**'] },
	js.configs.recommended,
	{
		languageOptions: { parserOptions: { projectService: true } },
		files: ['**/*.ts'],
		extends: [tseslint.configs.recommendedTypeChecked],
		rules: {
			'@typescript-eslint/no-explicit-any': 'error',
			'@typescript-eslint/only-throw-error': 'off',
		},
	},
	{
		files: ['**/*.mjs', '**/*.js'],
		languageOptions: {
			globals: {
				process: 'readonly',
				console: 'readonly',
				URL: 'readonly',
				setTimeout: 'readonly',
			},
		},
	},
);
