import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { requiredFiles } from '../../../../scripts/packages/code.ts';

let folder: string;

beforeEach(() => {
	folder = mkdtempSync(path.join(os.tmpdir(), 'code-test-'));
	mkdirSync(path.join(folder, 'shared'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (files: Record<string, string>): void => {
	for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, file), text);
};

const required = (...entries: string[]): string[] =>
	requiredFiles(entries.map((file) => path.join(folder, file))).map((file) =>
		path.relative(folder, file),
	);

it('follows require calls through files, folders and circles, and leaves the rest', () => {
	put({
		'a.js': 'const b = require("./b"); exports.x = () => require("./late.js");',
		'b.js': 'require("./a"); require("./shared"); require("n8n-workflow"); // require("./said")',
		'late.js': 'require("./data.json")',
		'data.json': '{"require": "./unused"}',
		'shared/index.js': 'exports.text = \'require("./quoted")\';',
		'unused.js': 'require("./a")',
	});
	expect(required('a.js')).toEqual(['a.js', 'b.js', 'data.json', 'late.js', 'shared/index.js']);
});

it('says so where a required file does not exist, rather than to pack what cannot load', () => {
	put({ 'a.js': 'require("./gone")' });
	expect(() => required('a.js')).toThrow(/gone/);
});
