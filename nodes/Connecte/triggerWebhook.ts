import {
	NodeApiError,
	type ICredentialDataDecryptedObject,
	type IDataObject,
	type IHookFunctions,
	type INodeExecutionData,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { isObject, parseJson } from '../shared/http/answer';
import { isOn } from '../shared/parameters';
import { MASK, maskedJson, maskFor } from '../shared/http/secrets';
import { isCurrentToken, TOKEN_PARAMETER, verifyCallbackToken } from './callbackToken';
import { parsePrediction, readPrediction, type Prediction } from './prediction';
import { forgetEvent, isNewEvent } from './seenEvents';
import { CONNECTE } from './service';
import { predictionJson } from './transcript';
import { Turns } from './turns';

/** As much as n8n itself takes by default. */
const LARGEST_BODY_BYTES = 16 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 30;
/** From a call's arrival; whoever calls waits no longer than five seconds. */
const LONGEST_CHECK_MS = 4_500;
/** Of one trigger: enough that an API of some seconds can still confirm a burst. */
const MOST_QUESTIONS_AT_ONCE = 50;
const PRIVATE_HEADERS = new Set(['authorization', 'proxy-authorization', 'cookie']);
/** How the API says that there is no such prediction. */
const UNKNOWN_ID = new Set([400, 404, 410, 422]);

/** Why a call does not run the workflow: its HTTP status and what the caller is told. */
interface Refusal {
	status: 200 | 400 | 401 | 403 | 503;
	message: string;
}

const NO_TOKEN: Refusal = {
	status: 401,
	message: `The address has no valid '${TOKEN_PARAMETER}', or it has expired`,
};
const NO_SECRET: Refusal = {
	status: 401,
	message: "The credential has no 'Webhook Secret', so no call can be accepted",
};
const NO_CREDENTIAL: Refusal = { status: 503, message: 'The credential cannot be read right now' };
const NO_PREDICTION: Refusal = {
	status: 400,
	message: "The body is no prediction: it needs an 'id' and a known 'status'",
};
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
	if (!('status' in verdict)) {
		return { webhookResponse: { message: 'The event was accepted' }, workflowData: [[verdict]] };
	}
	const response = context.getResponseObject();
	if (verdict.status === 503) response.setHeader('retry-after', RETRY_AFTER_SECONDS);
	response.status(verdict.status).json({ message: verdict.message });
	return { noWebhookResponse: true };
}

/** Identifies a trigger within this process; one that listens for a test event is one of its own. */
export function triggerKey(context: IHookFunctions | IWebhookFunctions): string {
	const kind = context.getMode() === 'manual' ? 'test' : 'production';
	return JSON.stringify([kind, context.getWorkflow().id, context.getNode().id]);
}

/** Hundreds at once would keep n8n's database from the calls that are further on. */
const credentialReads = new Turns(8);
/** Questions about an event that are under way. */
const confirmations = new Map<string, Promise<Prediction | Refusal>>();
/** Of each trigger that has a question under way: one whose API is silent is no burden to the others. */
const questionsOf = new Map<string, Turns>();

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
		const claimed = this.claimed();
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
			return await credentialReads.take(
				async () => await this.context.getCredentials<ICredentialDataDecryptedObject>(type),
				this.tooLate,
			);
		} catch {
			return undefined;
		}
	}

	/** What the caller says; nothing of it is believed yet. */
	private claimed(): Prediction | undefined {
		// A multipart body has no raw form.
		const { rawBody } = this.context.getRequestObject() as { rawBody?: Buffer };
		if (rawBody && rawBody.length > LARGEST_BODY_BYTES) return undefined;
		const body: unknown = this.context.getBodyData();
		return parsePrediction(typeof body === 'string' ? parseJson(body) : body);
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
		const questions = questionsOf.get(this.trigger) ?? new Turns(MOST_QUESTIONS_AT_ONCE);
		questionsOf.set(this.trigger, questions);
		try {
			return await questions.take(async () => await this.look(claimed), this.tooLate);
		} catch (error) {
			return saysUnknown(error) ? NOT_CONFIRMED : NO_ANSWER;
		} finally {
			if (questions.isIdle) questionsOf.delete(this.trigger);
		}
	}

	private async look({ id, status }: Prediction): Promise<Prediction | Refusal> {
		const call = { context: this.context, itemIndex: 0, signal: this.tooLate };
		const prediction = await readPrediction(call, id);
		return prediction.id === id && prediction.status === status ? prediction : NOT_CONFIRMED;
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
		const response = this.context.getResponseObject();
		response.once?.('finish', () => {
			if (response.statusCode >= 500) forgetEvent(this.trigger, prediction);
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

/** A page in place of JSON comes from something else than the API, so it says nothing of the id. */
function saysUnknown(error: unknown): boolean {
	return (
		error instanceof NodeApiError &&
		UNKNOWN_ID.has(Number(error.httpCode)) &&
		isObject(error.context.data)
	);
}

function publicHeaders(headers: IDataObject): IDataObject {
	return Object.fromEntries(
		Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.has(name.toLowerCase())),
	);
}
