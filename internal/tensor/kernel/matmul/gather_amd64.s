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

DATA gatherFlip<>+0(SB)/4, $0x80808080
GLOBL gatherFlip<>(SB), RODATA|NOPTR, $4

// FLIP adds 128 to each code of X0 to X3.
#define FLIP \
	VPXOR X8, X0, X0; \
	VPXOR X8, X1, X1; \
	VPXOR X8, X2, X2; \
	VPXOR X8, X3, X3

// TWOS transposes two scales of each of four rows from BX on, R11 bytes apart,
// and moves BX behind them.
#define TWOS(off) \
	VMOVQ (BX), X0; \
	VMOVQ (BX)(R11*1), X1; \
	LEAQ (BX)(R11*2), BX; \
	VMOVQ (BX), X2; \
	VMOVQ (BX)(R11*1), X3; \
	LEAQ (BX)(R11*2), BX; \
	VPUNPCKLDQ X1, X0, X0; \
	VPUNPCKLDQ X3, X2, X2; \
	VPUNPCKLQDQ X2, X0, X1; \
	VPUNPCKHQDQ X2, X0, X3; \
	VMOVDQU X1, off(DI); \
	VMOVDQU X3, 64+off(DI)

// func gatherPanelAVX2(dst *byte, src *int8, stride int, scale *float32, n int)
// For each unit the scales, then eight words of codes.
TEXT ·gatherPanelAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), AX
	MOVQ stride+16(FP), R8
	MOVQ scale+24(FP), R12
	MOVQ n+32(FP), CX
	MOVQ R8, R11
	SHRQ $2, R11 // a scale of four bytes per 16 codes
	MOVQ $64, R9
	MOVQ $192, R10
	VPBROADCASTD gatherFlip<>(SB), X8

loop:
	MOVQ R12, BX
	TWOS(0)
	TWOS(16)
	TWOS(32)
	TWOS(48)
	ADDQ $8, R12
	ADDQ $128, DI
	MOVQ $2, DX

four:
	MOVQ AX, SI
	ROWS
	FLIP
	QUAD(0)
	ROWS
	FLIP
	QUAD(16)
	ROWS
	FLIP
	QUAD(32)
	ROWS
	FLIP
	QUAD(48)
	ADDQ $16, AX
	ADDQ $256, DI
	DECQ DX
	JNE four
	DECQ CX
	JNE loop
	RET
