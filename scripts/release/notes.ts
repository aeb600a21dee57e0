// Usage: node scripts/release/notes.ts v1.2.3: prints what CHANGELOG.md says of the version.
import { notesOf } from './changelog.ts';

console.log(notesOf((process.argv[2] ?? '').replace(/^v/, '')));
