import type {
	ICredentialDataDecryptedObject,
	IDataObject,
	IHookFunctions,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { isOn } from '../../shared/fieldValues';
import { maskedJson, maskFor } from '../../shared/http/secrets';
import { pause } from '../../shared/time';
import { CONNECTE } from '../connecteService';
import { Limiter } from '../limiter';
import { isFinal, type Prediction } from '../prediction';
import { predictionJson } from '../transcript';
import { claimedPrediction, NO_PREDICTION, onAnswered, refuse, type Refusal } from './call';
import { isCurrentToken, TOKEN_PARAMETER, verifyCallbackToken } from './callbackToken';
import { confirmPrediction, type Confirmation } from './confirmation';
import { webhookCredential, withCredential } from './credential';
import { RunStart } from './runStart';
import { isSeen, rememberEvent } from './seenEvents';

const RETRY_AFTER_SECONDS = 30;
/** From a call's arrival; whoever calls waits no longer than five seconds. */
const LONGEST_CHECK_MS = 4_500;
/** Between looks at an API that has not come to an end; each next one twice as long. */
const FIRST_RECHECK_MS = 250;
/** A credential older than this is read again before a call is refused for it. */
const REFUSING_AFTER_MS = 1_000;
/** Of one trigger: enough that an API of some seconds can still confirm a burst. */
const MOST_QUESTIONS_AT_ONCE = 50;
const PRIVATE_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);

const NO_TOKEN: Refusal = {
	status: 401,
	message: `The address has no valid '${TOKEN_PARAMETER}', or it has expired`,
};
const NO_SECRET: Refusal = {
	status: 401,
	message: "The credential has no 'Webhook Secret', so no call can be accepted",
};
const NO_CREDENTIAL: Refusal = { status: 503, message: 'The credential cannot be read right now' };
const NOT_CONFIRMED: Refusal = {
	status: 403,
	message: 'Connecte does not confirm that this prediction has this status',
};
const NO_ANSWER: Refusal = {
	status: 503,
	message: 'Connecte could not be asked about this prediction: send it again later',
};
const NOT_ENDED: Refusal = {
	status: 503,
	message: 'Connecte does not say yet that this prediction has ended: send it again later',
};
const STARTING: Refusal = {
	status: 503,
	message: 'Another call of this event is starting the workflow: send it again later',
};
const SEEN: Refusal = { status: 200, message: 'This event was received before' };
const NOT_SELECTED: Refusal = { status: 200, message: 'This event is not selected' };

const ACCEPTED = { message: 'The event was accepted' };

/** A call that runs the workflow: what it puts out, and what is to be done when the run has started. */
interface Accepted {
	json: IDataObject;
	onStarted: () => void;
}

/** Answers a callback, and runs the workflow where it is genuine, new and wanted. */
export async function receive(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const verdict = await new Callback(context).verdict();
	if (!('json' in verdict)) return refuse(context, verdict, RETRY_AFTER_SECONDS);
	const { json, onStarted } = verdict;
	return {
		/** n8n reads it when the run has started, and only then stores the static data and answers. */
		get webhookResponse() {
			onStarted();
			return ACCEPTED;
		},
		workflowData: [[{ json }]],
	};
}

/** Identifies a trigger within this process; one that listens for a test event is one of its own. */
export function triggerKey(context: IHookFunctions | IWebhookFunctions): string {
	const kind = context.getMode() === 'manual' ? 'test' : 'production';
	return JSON.stringify([kind, context.getWorkflow().id, context.getNode().id]);
}

/** Questions about an event that are under way. */
const confirmations = new Map<string, Promise<Prediction | Refusal>>();
/** Of each trigger that has a question under way: one whose API is silent is no burden to the others. */
const questionsOf = new Map<string, Limiter>();

/** One call of the trigger's address, judged in the order of the contract's table. */
class Callback {
	private readonly trigger: string;

	private credential: ICredentialDataDecryptedObject | undefined;

	private readonly tooLate = AbortSignal.timeout(LONGEST_CHECK_MS);

	constructor(private readonly context: IWebhookFunctions) {
		this.trigger = triggerKey(context);
	}

	async verdict(): Promise<Accepted | Refusal> {
		const { context } = this;
		const refusal = await this.checkCaller();
		if (refusal) return refusal;
		const claimed = claimedPrediction(context);
		if (!claimed) return NO_PREDICTION;
		const isConfirmed = context.getNodeParameter('confirmWithApi', true) as boolean;
		const prediction = isConfirmed ? await this.confirmed(claimed) : claimed;
		if (isRefusal(prediction)) return prediction;
		const events = context.getNodeParameter('events', []) as string[];
		if (!events.includes(prediction.status)) return NOT_SELECTED;
		const json = this.output(prediction, isConfirmed);
		const start = await this.startOf(prediction);
		return isRefusal(start) ? start : { json, onStarted: start };
	}

	private async checkCaller(): Promise<Refusal | undefined> {
		const isOpen = this.context.getNodeParameter('authentication', 'signedUrl') === 'none';
		if (!isOpen && !isCurrentToken(this.token)) return NO_TOKEN;
		await this.readCredential();
		if (isOpen || !this.checkToken()) return undefined;
		// The secret may have been changed since the credential was read.
		await this.readCredential(REFUSING_AFTER_MS);
		return this.checkToken();
	}

	private checkToken(): Refusal | undefined {
		if (!this.credential) return NO_CREDENTIAL;
		const secret = webhookSecretOf(this.credential);
		if (secret === undefined) return NO_SECRET;
		return verifyCallbackToken(this.token, secret) ? undefined : NO_TOKEN;
	}

	private get token(): unknown {
		return (this.context.getQueryData() as IDataObject)[TOKEN_PARAMETER];
	}

	/** Leaves none where the credential cannot be read, which must not start a run that has failed. */
	private async readCredential(maxAgeMs?: number): Promise<void> {
		try {
			this.credential = await webhookCredential(this.context, this.tooLate, maxAgeMs);
		} catch {
			this.credential = undefined;
		}
	}

	/** The prediction as the API has it; the same event many times at once is asked about once. */
	private async confirmed(claimed: Prediction): Promise<Prediction | Refusal> {
		const key = this.eventKey(claimed);
		const asking = confirmations.get(key) ?? this.ask(claimed);
		confirmations.set(key, asking);
		try {
			return await asking;
		} finally {
			confirmations.delete(key);
		}
	}

	/** Asks again while the API, which may lag behind its own calls, has not come to an end yet. */
	private async ask({ id, status }: Prediction): Promise<Prediction | Refusal> {
		for (let waitMs = FIRST_RECHECK_MS; ; waitMs *= 2) {
			const confirmation = await this.confirm(id);
			if (confirmation === 'unknown') return NOT_CONFIRMED;
			if (typeof confirmation !== 'object') return NO_ANSWER;
			if (confirmation.status === status) return confirmation;
			if (isFinal(confirmation.status) || !isFinal(status)) return NOT_CONFIRMED;
			try {
				await pause(waitMs, this.tooLate);
			} catch {
				return NOT_ENDED;
			}
		}
	}

	private async confirm(id: string): Promise<Confirmation> {
		const context = this.credential ? withCredential(this.context, this.credential) : this.context;
		const questions = questionsOf.get(this.trigger) ?? new Limiter(MOST_QUESTIONS_AT_ONCE);
		questionsOf.set(this.trigger, questions);
		try {
			return await questions.run(
				async () => await confirmPrediction(context, id, this.tooLate),
				this.tooLate,
			);
		} catch {
			return 'unreachable';
		} finally {
			if (questions.isIdle) questionsOf.delete(this.trigger);
		}
	}

	/**
	 * What is to be done when n8n has started the run: only then does the event count as seen. A call of an
	 * event that another call is starting waits for how that ends.
	 */
	private async startOf(prediction: Prediction): Promise<(() => void) | Refusal> {
		if (!isOn(this.context.getNodeParameter('options.deduplicate', true))) return () => undefined;
		for (;;) {
			if (isSeen(this.trigger, this.staticData, prediction)) return SEEN;
			const start = RunStart.of(this.eventKey(prediction));
			if ('mine' in start) return this.follow(start.mine, prediction);
			if ((await start.others.result(this.tooLate)) === undefined) return STARTING;
		}
	}

	private follow(start: RunStart, prediction: Prediction): () => void {
		const onStarted = () => {
			if (start.end(true)) rememberEvent(this.trigger, this.staticData, prediction);
		};
		// n8n answers 5xx where it could not start the run; the sender may then send the event again.
		onAnswered(this.context, (statusCode) => {
			if (statusCode < 500) onStarted();
			else start.end(false);
		});
		return onStarted;
	}

	private eventKey({ id, status }: Prediction): string {
		return JSON.stringify([this.trigger, id, status]);
	}

	/** n8n does not keep the static data of a test; what production has seen may be tested again. */
	private get staticData(): IDataObject {
		return this.context.getMode() === 'manual' ? {} : this.context.getWorkflowStaticData('node');
	}

	private output(prediction: Prediction, isConfirmed: boolean): IDataObject {
		const { [TOKEN_PARAMETER]: token, ...query } = this.context.getQueryData() as IDataObject;
		// The service, or a proxy in a header, may repeat the whole address.
		const mask = maskFor(this.credential ?? {}, CONNECTE, [String(token ?? '')]);
		if (isOn(this.context.getNodeParameter('simplify', true))) {
			return maskedJson(predictionJson(prediction), mask);
		}
		return maskedJson(
			{
				headers: publicHeaders(this.context.getHeaderData() as IDataObject),
				query,
				body: this.context.getBodyData(),
				...(isConfirmed && { prediction }),
			},
			mask,
		);
	}
}

/** The secret that signs callback URLs; `undefined` where the credential has none. */
export function webhookSecretOf(credential: ICredentialDataDecryptedObject): string | undefined {
	const { webhookSecret } = credential;
	return typeof webhookSecret === 'string' && webhookSecret.trim() !== ''
		? webhookSecret
		: undefined;
}

function isRefusal(outcome: Prediction | Refusal | (() => void)): outcome is Refusal {
	return 'status' in outcome && typeof outcome.status === 'number';
}

function publicHeaders(headers: IDataObject): IDataObject {
	return Object.fromEntries(
		Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase())),
	);
}
