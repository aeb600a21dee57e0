import type {
	ICredentialDataDecryptedObject,
	IDataObject,
	IHookFunctions,
	INodeExecutionData,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';

import { MASK, maskedJson, maskFor } from '../../shared/http/secrets';
import { isOn } from '../../shared/parameters';
import { CONNECTE } from '../connecteService';
import { Limiter } from '../limiter';
import type { Prediction } from '../prediction';
import { predictionJson } from '../transcript';
import { claimedPrediction, NO_PREDICTION, onAnswered, refuse, type Refusal } from './call';
import { isCurrentToken, TOKEN_PARAMETER, verifyCallbackToken } from './callbackToken';
import { confirmPrediction } from './confirmation';
import { forgetEvent, isNewEvent } from './seenEvents';

const RETRY_AFTER_SECONDS = 30;
/** From a call's arrival; whoever calls waits no longer than five seconds. */
const LONGEST_CHECK_MS = 4_500;
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
const SEEN: Refusal = { status: 200, message: 'This event was received before' };
const NOT_SELECTED: Refusal = { status: 200, message: 'This event is not selected' };

/** Answers a callback, and runs the workflow where it is genuine, new and wanted. */
export async function receive(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const call = new Callback(context);
	const verdict = await call.verdict();
	if ('json' in verdict) {
		return { webhookResponse: { message: 'The event was accepted' }, workflowData: [[verdict]] };
	}
	return refuse(context, verdict, RETRY_AFTER_SECONDS);
}

/** Identifies a trigger within this process; one that listens for a test event is one of its own. */
export function triggerKey(context: IHookFunctions | IWebhookFunctions): string {
	const kind = context.getMode() === 'manual' ? 'test' : 'production';
	return JSON.stringify([kind, context.getWorkflow().id, context.getNode().id]);
}

/** Hundreds at once would keep n8n's database from the calls that are further on. */
const credentialReads = new Limiter(8);
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

	async verdict(): Promise<INodeExecutionData | Refusal> {
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
		if (!this.isNew(prediction)) return SEEN;
		this.forgetUnlessRun(prediction);
		return { json: this.output(prediction, isConfirmed) };
	}

	private async checkCaller(): Promise<Refusal | undefined> {
		const isOpen = this.context.getNodeParameter('authentication', 'signedUrl') === 'none';
		if (!isOpen && !isCurrentToken(this.token)) return NO_TOKEN;
		this.credential = await this.readCredential();
		if (isOpen) return undefined;
		if (!this.credential) return NO_CREDENTIAL;
		const secret = webhookSecretOf(this.credential);
		if (secret === undefined) return NO_SECRET;
		return verifyCallbackToken(this.token, secret) ? undefined : NO_TOKEN;
	}

	private get token(): unknown {
		return (this.context.getQueryData() as IDataObject)[TOKEN_PARAMETER];
	}

	/** `undefined` where the credential cannot be read, which must not start a run that has failed. */
	private async readCredential(): Promise<ICredentialDataDecryptedObject | undefined> {
		const type = CONNECTE.credentialType;
		if (!this.context.getNode().credentials?.[type]) return {};
		try {
			return await credentialReads.run(
				async () => await this.context.getCredentials<ICredentialDataDecryptedObject>(type),
				this.tooLate,
			);
		} catch {
			return undefined;
		}
	}

	/** The prediction as the API has it; the same event many times at once is asked about once. */
	private async confirmed(claimed: Prediction): Promise<Prediction | Refusal> {
		const key = JSON.stringify([this.trigger, claimed.id, claimed.status]);
		const asking = confirmations.get(key) ?? this.ask(claimed);
		confirmations.set(key, asking);
		try {
			return await asking;
		} finally {
			confirmations.delete(key);
		}
	}

	private async ask(claimed: Prediction): Promise<Prediction | Refusal> {
		const questions = questionsOf.get(this.trigger) ?? new Limiter(MOST_QUESTIONS_AT_ONCE);
		questionsOf.set(this.trigger, questions);
		try {
			return await questions.run(async () => await this.compare(claimed), this.tooLate);
		} catch {
			return NO_ANSWER;
		} finally {
			if (questions.isIdle) questionsOf.delete(this.trigger);
		}
	}

	private async compare({ id, status }: Prediction): Promise<Prediction | Refusal> {
		const confirmation = await confirmPrediction(this.context, id, this.tooLate);
		if (typeof confirmation === 'object') {
			return confirmation.status === status ? confirmation : NOT_CONFIRMED;
		}
		return confirmation === 'unknown' ? NOT_CONFIRMED : NO_ANSWER;
	}

	private isNew(prediction: Prediction): boolean {
		if (!isOn(this.context.getNodeParameter('options.deduplicate', true))) return true;
		return isNewEvent(this.trigger, this.staticData, prediction);
	}

	/** n8n does not keep the static data of a test; what production has seen may be tested again. */
	private get staticData(): IDataObject {
		return this.context.getMode() === 'manual' ? {} : this.context.getWorkflowStaticData('node');
	}

	/** n8n answers 5xx where it could not start the run; the sender may then send the event again. */
	private forgetUnlessRun(prediction: Prediction): void {
		onAnswered(this.context, (statusCode) => {
			if (statusCode >= 500) forgetEvent(this.trigger, prediction);
		});
	}

	private output(prediction: Prediction, isConfirmed: boolean): IDataObject {
		const mask = maskFor(this.credential ?? {}, CONNECTE.secretFields);
		if (isOn(this.context.getNodeParameter('simplify', true))) {
			return maskedJson(predictionJson(prediction), mask);
		}
		const { [TOKEN_PARAMETER]: token, ...query } = this.context.getQueryData() as IDataObject;
		// A proxy may repeat the whole address in a header.
		const withoutToken = (text: string) =>
			typeof token === 'string' && token !== '' ? mask(text).replaceAll(token, MASK) : mask(text);
		return maskedJson(
			{
				headers: publicHeaders(this.context.getHeaderData() as IDataObject),
				query,
				body: this.context.getBodyData(),
				...(isConfirmed && { prediction }),
			},
			withoutToken,
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

function isRefusal(outcome: Prediction | Refusal): outcome is Refusal {
	return typeof outcome.status === 'number';
}

function publicHeaders(headers: IDataObject): IDataObject {
	return Object.fromEntries(
		Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase())),
	);
}
