import type { Access } from './access.ts';
import { runChecks } from './check.ts';
import type { Check } from './check.ts';
import { cloudflareChecks } from './cloudflare.ts';
import { cloudswayChecks } from './cloudsway.ts';
import { connecteChecks } from './connecte.ts';
import type { ServiceFindings } from './report.ts';
import { generatedSound } from './sound.ts';

export interface ServiceChecks {
	service: string;
	checks: Check[];
	/** What the calls cost, as far as it is known. */
	price: string;
}

export interface LiveOptions {
	/** Whether big recordings are sent to find the limits of size and length. */
	limits: boolean;
	/** How long a callback is waited for that may never come. */
	callbackMs?: number;
}

/** The checks that the access allows. */
export const checksFor = (
	access: Access,
	{ limits, callbackMs = 60_000 }: LiveOptions,
): ServiceChecks[] => {
	const sound = generatedSound();
	const services: ServiceChecks[] = [];
	if (access.cloudflare) {
		services.push({
			service: 'Cloudflare Workers AI',
			checks: cloudflareChecks(access.cloudflare, sound),
			price: '$0.0077 a minute (Flux), $0.0052 a minute (Nova-3)',
		});
	}
	if (access.cloudsway) {
		services.push({
			service: 'Cloudsway',
			checks: cloudswayChecks(access.cloudsway, sound, { limits }),
			price: 'not published; for the same models OpenAI takes $0.003 to $0.006 a minute',
		});
	}
	if (access.connecte) {
		services.push({
			service: 'Connecte',
			checks: connecteChecks(access.connecte, { callbackMs }),
			price:
				"not published; its pages' example says 0.45 roubles for 35 s of work. Four predictions of your recording",
		});
	}
	return services;
};

/** What will be sent and what it costs, before anything is. */
export const costsOf = (services: readonly ServiceChecks[]): string[] =>
	services.map(({ service, checks, price }) => {
		const seconds = checks.reduce((sum, check) => sum + (check.seconds ?? 0), 0);
		return `${service}: ${checks.length} checks, ${Math.ceil(seconds)} s of sound; price: ${price}`;
	});

/** Runs all checks, service by service. */
export const runServices = async (
	services: readonly ServiceChecks[],
	say: (line: string) => void,
): Promise<ServiceFindings[]> => {
	const found: ServiceFindings[] = [];
	for (const { service, checks } of services) {
		say(`\n${service}`);
		found.push({ service, findings: await runChecks(checks, say) });
	}
	return found;
};
