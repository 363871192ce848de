//go:build !noasm

#include "textflag.h"

// QUAD transposes four words of four rows, X0 to X3, and stores word v of them
// at off of the vector DI + v*R9. R10 holds 3*R9.
#define QUAD(off) \
	VPUNPCKLDQ X1, X0, X4; \
	VPUNPCKLDQ X3, X2, X5; \
	VPUNPCKHDQ X1, X0, X6; \
	VPUNPCKHDQ X3, X2, X7; \
	VPUNPCKLQDQ X5, X4, X0; \
	VPUNPCKHQDQ X5, X4, X1; \
	VPUNPCKLQDQ X7, X6, X2; \
	VPUNPCKHQDQ X7, X6, X3; \
	VMOVDQU X0, off(DI); \
	VMOVDQU X1, off(DI)(R9*1); \
	VMOVDQU X2, off(DI)(R9*2); \
	VMOVDQU X3, off(DI)(R10*1)

// ROWS loads four words of four rows from SI on and moves SI behind them. R8 is
// the distance of rows.
#define ROWS \
	VMOVDQU (SI), X0; \
	VMOVDQU (SI)(R8*1), X1; \
	LEAQ (SI)(R8*2), SI; \
	VMOVDQU (SI), X2; \
	VMOVDQU (SI)(R8*1), X3; \
	LEAQ (SI)(R8*2), SI

// func gatherAVX2(dst *byte, dstStride int, src *byte, stride, n int)
TEXT ·gatherAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ dstStride+8(FP), R9
	MOVQ src+16(FP), AX
	MOVQ stride+24(FP), R8
	MOVQ n+32(FP), CX
	LEAQ (R9)(R9*2), R10

loop:
	MOVQ AX, SI
	ROWS
	QUAD(0)
	ROWS
	QUAD(16)
	ROWS
	QUAD(32)
	ROWS
	QUAD(48)
	ADDQ $16, AX
	LEAQ (DI)(R9*4), DI
	DECQ CX
	JNE loop
	RET
