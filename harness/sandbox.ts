import type { Sandbox } from '../sandbox/server.ts';

/** A generated recording of DTMF keys (see sandbox/generateSamples.ts), and what the sandbox hears in it. */
export const DEMO_SAMPLE = {
	file: 'dialogue-mono.wav',
	text: 'one two three four five six seven seven eight nine',
};

/** What the user of an account has from the Cloudsway console, for the model the example asks for. */
export const cloudswayAccess = ({ cloudsway }: Sandbox) => ({
	credential: { accessKey: cloudsway.accessKey, baseUrl: cloudsway.baseUrl },
	endpointPath: cloudsway.endpointPaths['whisper-1'],
});

/** Address of the recording, as a server on the web would offer it. */
export const sampleUrl = ({ baseUrl }: Sandbox): string => `${baseUrl}/samples/${DEMO_SAMPLE.file}`;
