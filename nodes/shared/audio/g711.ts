/** 16-bit samples of the 256 A-law bytes (ITU-T G.711, table 1). */
export const A_LAW: Readonly<Int16Array> = Int16Array.from({ length: 256 }, (_, byte) => {
	const code = byte ^ 0x55;
	const exponent = (code & 0x70) >> 4;
	const mantissa = ((code & 0x0f) << 4) + 8;
	const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
	return code & 0x80 ? magnitude : -magnitude;
});

/** 16-bit samples of the 256 mu-law bytes (ITU-T G.711, table 2). */
export const MU_LAW: Readonly<Int16Array> = Int16Array.from({ length: 256 }, (_, byte) => {
	const code = ~byte & 0xff;
	const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code & 0x70) >> 4)) - 0x84;
	return code & 0x80 ? -magnitude : magnitude;
});
