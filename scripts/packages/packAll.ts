import { packPackage } from '../../harness/pack.ts';
import type { PackedPackage } from '../../harness/pack.ts';
import { packageRoot } from '../../harness/root.ts';
import { assemble } from './assemble.ts';
import { servicePackages, wholePackage } from './manifest.ts';
import type { PublishedPackage } from './manifest.ts';

export interface PackedService extends PackedPackage, PublishedPackage {
	name: string;
}

/** Packs the whole package and those of one service into `target`; dist must be built before. */
export const packAll = async (target: string, root = packageRoot()): Promise<PackedService[]> => {
	const services = servicePackages(root);
	for (const service of services) assemble(service, root);
	const packed: PackedService[] = [];
	for (const one of [wholePackage(root), ...services]) {
		packed.push({ ...one, name: one.manifest.name, ...(await packPackage(target, one.folder)) });
	}
	return packed;
};
