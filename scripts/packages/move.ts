import { registeredName } from './manifest.ts';
import type { PublishedPackage } from './manifest.ts';

export interface Move {
	/** Node type as workflows name it, such as `n8n-nodes-speech-inference.cloudsway`. */
	from: string;
	to: string;
}

/**
 * The node types that change when workflows go over from `sources` to `targets`, with their new names;
 * the tools that n8n makes of nodes for AI agents are among them.
 */
export const movesBetween = (
	sources: readonly PublishedPackage[],
	targets: readonly PublishedPackage[],
): Move[] => {
	const typesOf = ({ manifest: { name, n8n } }: PublishedPackage) =>
		n8n.nodes
			.map(registeredName)
			.flatMap((node) => [node, `${node}Tool`])
			.map((node) => ({ node, type: `${name}.${node}` }));
	const offered = targets.flatMap(typesOf);
	return sources.flatMap(typesOf).flatMap(({ node, type }) => {
		const target = offered.find((other) => other.node === node);
		return target === undefined || target.type === type ? [] : [{ from: type, to: target.type }];
	});
};

/**
 * An exported workflow (or a list of them) with its nodes taken from other packages. Nothing but the
 * nodes' types changes: IDs, parameters, credentials, webhook addresses and the layout of the text stay.
 */
export const moveWorkflows = (text: string, moves: readonly Move[]): string =>
	text.replace(/("type"\s*:\s*")([^"\\]+)(?=")/g, (whole, begin: string, type: string) => {
		const move = moves.find(({ from }) => from === type);
		return move === undefined ? whole : begin + move.to;
	});
