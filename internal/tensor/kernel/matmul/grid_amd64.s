//go:build !noasm

#include "textflag.h"

// Unpackers of the types whose codes come from grids: rows of the file to int8
// codes and a float32 scale per 16 columns, what quant.Unpack does. Registers:
//
//	DI  codes     SI  blocks   CX  blocks left   DX  sub-blocks left
//	R8  scales    R9  grid     R10 masks of signs: 0xff where a code is negative
//	R11 factors: what each value of a scale's bits stands for
//	X0  the scale of the block
//
// Y1 collects 32 magnitudes, Y3 their masks; (v ^ mask) - mask negates.

#define ARGS \
	MOVQ q+0(FP), DI; \
	MOVQ scale+8(FP), R8; \
	MOVQ src+16(FP), SI; \
	MOVQ n+24(FP), CX; \
	MOVQ grid+32(FP), R9; \
	MOVQ signs+40(FP), R10; \
	MOVQ factors+48(FP), R11

// HALF puts a float16 into X0.
#define HALF(at) \
	MOVWLZX at, AX; \
	VMOVD AX, X0; \
	VCVTPH2PS X0, X0

#define NEGATE \
	VPXOR Y3, Y1, Y1; \
	VPSUBB Y3, Y1, Y1; \
	VMOVDQU Y1, (DI); \
	ADDQ $32, DI

// SCALE stores the scale with bits in register b for the 16 columns of slot i.
#define SCALE(b, i) \
	VMULSS (R11)(b*4), X0, X2; \
	VMOVSS X2, 4*i(R8)

// SIGNS7 reads four codes of seven bits from AX, low bits first.
#define SIGNS7 \
	MOVL AX, BX; \
	ANDL $127, BX; \
	VMOVQ (R10)(BX*8), X3; \
	SHRL $7, AX; \
	MOVL AX, BX; \
	ANDL $127, BX; \
	VPINSRQ $1, (R10)(BX*8), X3, X3; \
	SHRL $7, AX; \
	MOVL AX, BX; \
	ANDL $127, BX; \
	VMOVQ (R10)(BX*8), X4; \
	SHRL $7, AX; \
	MOVL AX, BX; \
	ANDL $127, BX; \
	VPINSRQ $1, (R10)(BX*8), X4, X4; \
	SHRL $7, AX; \
	VINSERTI128 $1, X4, Y3, Y3

// SIGNS8 reads four bytes of signs from AX.
#define SIGNS8 \
	MOVBLZX AL, BX; \
	VMOVQ (R10)(BX*8), X3; \
	SHRL $8, AX; \
	MOVBLZX AL, BX; \
	VPINSRQ $1, (R10)(BX*8), X3, X3; \
	SHRL $8, AX; \
	MOVBLZX AL, BX; \
	VMOVQ (R10)(BX*8), X4; \
	SHRL $8, AX; \
	VPINSRQ $1, (R10)(AX*8), X4, X4; \
	VINSERTI128 $1, X4, Y3, Y3

// NIBBLES stores the scales in the two nibbles of a byte.
#define NIBBLES(at) \
	MOVBLZX at, AX; \
	MOVL AX, BX; \
	ANDL $15, BX; \
	SHRL $4, AX; \
	SCALE(BX, 0); \
	SCALE(AX, 1); \
	ADDQ $8, R8

// func unpackIQ2XXSAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block: f16 d; 8 times four bytes of index and 4x7 bits of signs, 4 of scale.
TEXT ·unpackIQ2XXSAVX2(SB), NOSPLIT, $0-56
	ARGS

block:
	HALF((SI))
	ADDQ $2, SI
	MOVQ $8, DX

sub:
	MOVQ (SI), AX
	MOVBLZX AL, BX
	VMOVQ (R9)(BX*8), X1
	SHRQ $8, AX
	MOVBLZX AL, BX
	VPINSRQ $1, (R9)(BX*8), X1, X1
	SHRQ $8, AX
	MOVBLZX AL, BX
	VMOVQ (R9)(BX*8), X2
	SHRQ $8, AX
	MOVBLZX AL, BX
	VPINSRQ $1, (R9)(BX*8), X2, X2
	VINSERTI128 $1, X2, Y1, Y1
	SHRQ $8, AX
	SIGNS7
	NEGATE
	SCALE(AX, 0)
	SCALE(AX, 1)
	ADDQ $8, R8
	ADDQ $8, SI
	DECQ DX
	JNE sub
	DECQ CX
	JNE block
	VZEROUPPER
	RET

// func unpackIQ2XSAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block: f16 d; 32 words of 9 bits of index and 7 of signs; 16 nibbles of scale.
TEXT ·unpackIQ2XSAVX2(SB), NOSPLIT, $0-56
	ARGS

block:
	HALF((SI))
	XORQ DX, DX

sub:
	MOVQ 2(SI)(DX*8), R12
	MOVL R12, BX
	ANDL $511, BX
	VMOVQ (R9)(BX*8), X1
	MOVL R12, AX
	SHRL $9, AX
	ANDL $127, AX
	VMOVQ (R10)(AX*8), X3
	SHRQ $16, R12
	MOVL R12, BX
	ANDL $511, BX
	VPINSRQ $1, (R9)(BX*8), X1, X1
	MOVL R12, AX
	SHRL $9, AX
	ANDL $127, AX
	VPINSRQ $1, (R10)(AX*8), X3, X3
	SHRQ $16, R12
	MOVL R12, BX
	ANDL $511, BX
	VMOVQ (R9)(BX*8), X2
	MOVL R12, AX
	SHRL $9, AX
	ANDL $127, AX
	VMOVQ (R10)(AX*8), X4
	SHRQ $16, R12
	MOVL R12, BX
	ANDL $511, BX
	VPINSRQ $1, (R9)(BX*8), X2, X2
	SHRL $9, R12
	VPINSRQ $1, (R10)(R12*8), X4, X4
	VINSERTI128 $1, X2, Y1, Y1
	VINSERTI128 $1, X4, Y3, Y3
	NEGATE
	NIBBLES(66(SI)(DX*1))
	INCQ DX
	CMPQ DX, $8
	JNE sub
	ADDQ $74, SI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

// INDEX10 makes an index of a byte and of two bits of R12, which moves on.
#define INDEX10(byte) \
	MOVL R12, AX; \
	ANDL $0x300, AX; \
	MOVBLZX byte, BX; \
	ORL AX, BX; \
	SHRL $2, R12

// func unpackIQ2SAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block: f16 d; 32 low bytes of index; 32 bytes of signs; 8 bytes of upper index
// bits, two each; 16 nibbles of scale.
TEXT ·unpackIQ2SAVX2(SB), NOSPLIT, $0-56
	ARGS

block:
	HALF((SI))
	XORQ DX, DX

sub:
	MOVBLZX 66(SI)(DX*1), R12
	SHLL $8, R12
	INDEX10(2(SI)(DX*4))
	VMOVQ (R9)(BX*8), X1
	INDEX10(3(SI)(DX*4))
	VPINSRQ $1, (R9)(BX*8), X1, X1
	INDEX10(4(SI)(DX*4))
	VMOVQ (R9)(BX*8), X2
	INDEX10(5(SI)(DX*4))
	VPINSRQ $1, (R9)(BX*8), X2, X2
	VINSERTI128 $1, X2, Y1, Y1
	MOVL 34(SI)(DX*4), AX
	SIGNS8
	NEGATE
	NIBBLES(74(SI)(DX*1))
	INCQ DX
	CMPQ DX, $8
	JNE sub
	ADDQ $82, SI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

// func unpackIQ3XXSAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block: f16 d; 64 bytes of index into a grid of four values; 8 times 4x7 bits
// of signs and 4 of scale.
TEXT ·unpackIQ3XXSAVX2(SB), NOSPLIT, $0-56
	ARGS

block:
	HALF((SI))
	XORQ DX, DX

sub:
	MOVQ 2(SI)(DX*8), AX
	MOVBLZX AL, BX
	VMOVD (R9)(BX*4), X1
	SHRQ $8, AX
	MOVBLZX AL, BX
	VPINSRD $1, (R9)(BX*4), X1, X1
	SHRQ $8, AX
	MOVBLZX AL, BX
	VPINSRD $2, (R9)(BX*4), X1, X1
	SHRQ $8, AX
	MOVBLZX AL, BX
	VPINSRD $3, (R9)(BX*4), X1, X1
	SHRQ $8, AX
	MOVBLZX AL, BX
	VMOVD (R9)(BX*4), X2
	SHRQ $8, AX
	MOVBLZX AL, BX
	VPINSRD $1, (R9)(BX*4), X2, X2
	SHRQ $8, AX
	MOVBLZX AL, BX
	VPINSRD $2, (R9)(BX*4), X2, X2
	SHRQ $8, AX
	VPINSRD $3, (R9)(AX*4), X2, X2
	VINSERTI128 $1, X2, Y1, Y1
	MOVL 66(SI)(DX*4), AX
	SIGNS7
	NEGATE
	SCALE(AX, 0)
	SCALE(AX, 1)
	ADDQ $8, R8
	INCQ DX
	CMPQ DX, $8
	JNE sub
	ADDQ $98, SI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

// INDEX9 makes an index of a byte and of bit 8 of R12, which moves on.
#define INDEX9(byte) \
	MOVL R12, AX; \
	ANDL $0x100, AX; \
	MOVBLZX byte, BX; \
	ORL AX, BX; \
	SHRL $1, R12

// func unpackIQ3SAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block: f16 d; 64 low bytes of index; 8 bytes of ninth bits; 32 bytes of signs;
// 8 nibbles of scale.
TEXT ·unpackIQ3SAVX2(SB), NOSPLIT, $0-56
	ARGS

block:
	HALF((SI))
	XORQ DX, DX

sub:
	MOVBLZX 66(SI)(DX*1), R12
	SHLL $8, R12
	INDEX9(2(SI)(DX*8))
	VMOVD (R9)(BX*4), X1
	INDEX9(3(SI)(DX*8))
	VPINSRD $1, (R9)(BX*4), X1, X1
	INDEX9(4(SI)(DX*8))
	VPINSRD $2, (R9)(BX*4), X1, X1
	INDEX9(5(SI)(DX*8))
	VPINSRD $3, (R9)(BX*4), X1, X1
	INDEX9(6(SI)(DX*8))
	VMOVD (R9)(BX*4), X2
	INDEX9(7(SI)(DX*8))
	VPINSRD $1, (R9)(BX*4), X2, X2
	INDEX9(8(SI)(DX*8))
	VPINSRD $2, (R9)(BX*4), X2, X2
	INDEX9(9(SI)(DX*8))
	VPINSRD $3, (R9)(BX*4), X2, X2
	VINSERTI128 $1, X2, Y1, Y1
	MOVL 74(SI)(DX*4), AX
	SIGNS8
	NEGATE

	// Two sub-blocks share a byte of scales: the odd one has the upper nibble.
	MOVQ DX, BX
	SHRQ $1, BX
	MOVBLZX 106(SI)(BX*1), AX
	MOVL AX, BX
	SHRL $4, BX
	TESTQ $1, DX
	CMOVLNE BX, AX
	ANDL $15, AX
	SCALE(AX, 0)
	SCALE(AX, 1)
	ADDQ $8, R8
	INCQ DX
	CMPQ DX, $8
	JNE sub
	ADDQ $110, SI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

// INDEX11 makes an index of a byte and of three bits, 8 and up, of R12.
#define INDEX11(byte) \
	MOVL R12, AX; \
	ANDL $0x700, AX; \
	MOVBLZX byte, BX; \
	ORL AX, BX

// func unpackIQ1SAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block: f16 d; 32 low bytes of index; 8 words of four times three index bits,
// three bits of scale and one that says whether an eighth is taken off or added.
// The grid holds eight times the values.
TEXT ·unpackIQ1SAVX2(SB), NOSPLIT, $0-56
	ARGS
	VPCMPEQB Y5, Y5, Y5

block:
	HALF((SI))
	XORQ DX, DX

sub:
	MOVWLZX 34(SI)(DX*2), R13
	MOVL R13, R12
	SHLL $8, R12
	INDEX11(2(SI)(DX*4))
	VMOVQ (R9)(BX*8), X1
	SHRL $3, R12
	INDEX11(3(SI)(DX*4))
	VPINSRQ $1, (R9)(BX*8), X1, X1
	SHRL $3, R12
	INDEX11(4(SI)(DX*4))
	VMOVQ (R9)(BX*8), X2
	SHRL $3, R12
	INDEX11(5(SI)(DX*4))
	VPINSRQ $1, (R9)(BX*8), X2, X2
	VINSERTI128 $1, X2, Y1, Y1

	// The top bit as mask; mask | 1 is what to add: -1 or 1.
	MOVL R13, BX
	SHLL $16, BX
	SARL $31, BX
	VMOVD BX, X3
	VPBROADCASTB X3, Y3
	VPABSB Y5, Y4
	VPOR Y4, Y3, Y3
	VPADDB Y3, Y1, Y1
	VMOVDQU Y1, (DI)
	ADDQ $32, DI
	SHRL $12, R13
	ANDL $7, R13
	SCALE(R13, 0)
	SCALE(R13, 1)
	ADDQ $8, R8
	INCQ DX
	CMPQ DX, $8
	JNE sub
	ADDQ $50, SI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

// func unpackIQ1MAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block: 32 low bytes of index; 16 bytes of nibbles, three index bits and the
// sign of the eighth; 4 words of four times three bits of scale, with the bits
// of the f16 d in their top nibbles. signs holds what to add: +1 or -1.
TEXT ·unpackIQ1MAVX2(SB), NOSPLIT, $0-56
	ARGS

block:
	MOVWLZX 48(SI), AX
	SHRL $12, AX
	MOVWLZX 50(SI), BX
	SHRL $8, BX
	ANDL $0xf0, BX
	ORL BX, AX
	MOVWLZX 52(SI), BX
	SHRL $4, BX
	ANDL $0xf00, BX
	ORL BX, AX
	MOVWLZX 54(SI), BX
	ANDL $0xf000, BX
	ORL BX, AX
	VMOVD AX, X0
	VCVTPH2PS X0, X0
	XORQ DX, DX

sub:
	MOVWLZX 32(SI)(DX*2), R13
	MOVL R13, R12
	SHLL $8, R12
	INDEX11((SI)(DX*4))
	VMOVQ (R9)(BX*8), X1
	SHRL $4, R12
	INDEX11(1(SI)(DX*4))
	VPINSRQ $1, (R9)(BX*8), X1, X1
	SHRL $4, R12
	INDEX11(2(SI)(DX*4))
	VMOVQ (R9)(BX*8), X2
	SHRL $4, R12
	INDEX11(3(SI)(DX*4))
	VPINSRQ $1, (R9)(BX*8), X2, X2
	VINSERTI128 $1, X2, Y1, Y1

	// Bits 3, 7, 11 and 15 choose what the four groups of eight get.
	SHRL $3, R13
	MOVL R13, BX
	ANDL $1, BX
	VMOVQ (R10)(BX*8), X3
	SHRL $4, R13
	MOVL R13, BX
	ANDL $1, BX
	VPINSRQ $1, (R10)(BX*8), X3, X3
	SHRL $4, R13
	MOVL R13, BX
	ANDL $1, BX
	VMOVQ (R10)(BX*8), X4
	SHRL $4, R13
	VPINSRQ $1, (R10)(R13*8), X4, X4
	VINSERTI128 $1, X4, Y3, Y3
	VPADDB Y3, Y1, Y1
	VMOVDQU Y1, (DI)
	ADDQ $32, DI

	// The even sub-block has bits 0 to 5 of its word, the odd one 6 to 11.
	MOVQ DX, BX
	ANDQ $-2, BX
	MOVWLZX 48(SI)(BX*1), AX
	MOVL AX, BX
	SHRL $6, BX
	TESTQ $1, DX
	CMOVLNE BX, AX
	MOVL AX, BX
	ANDL $7, BX
	SHRL $3, AX
	ANDL $7, AX
	SCALE(BX, 0)
	SCALE(AX, 1)
	ADDQ $8, R8
	INCQ DX
	CMPQ DX, $8
	JNE sub
	ADDQ $56, SI
	DECQ CX
	JNE block
	VZEROUPPER
	RET

DATA lowNibbles<>+0(SB)/4, $0x0f0f0f0f
GLOBL lowNibbles<>(SB), RODATA|NOPTR, $4

// func unpackNVFP4AVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
// Block of 64: 4 bytes of scale; 4 times 8 bytes of nibbles. grid holds the 16
// values of a nibble, factors the value of each byte of scale.
TEXT ·unpackNVFP4AVX2(SB), NOSPLIT, $0-56
	ARGS
	VBROADCASTI128 (R9), Y5
	VPBROADCASTD lowNibbles<>(SB), Y6

block:
	// Each 8 bytes are followed by their upper nibbles.
	VMOVDQU 4(SI), Y1
	VPSRLW $4, Y1, Y2
	VPAND Y6, Y1, Y1
	VPAND Y6, Y2, Y2
	VPUNPCKLQDQ Y2, Y1, Y3
	VPUNPCKHQDQ Y2, Y1, Y4
	VPSHUFB Y3, Y5, Y3
	VPSHUFB Y4, Y5, Y4
	VPERM2I128 $0x20, Y4, Y3, Y1
	VPERM2I128 $0x31, Y4, Y3, Y2
	VMOVDQU Y1, (DI)
	VMOVDQU Y2, 32(DI)
	MOVBLZX (SI), AX
	VMOVSS (R11)(AX*4), X1
	VMOVSS X1, (R8)
	MOVBLZX 1(SI), AX
	VMOVSS (R11)(AX*4), X1
	VMOVSS X1, 4(R8)
	MOVBLZX 2(SI), AX
	VMOVSS (R11)(AX*4), X1
	VMOVSS X1, 8(R8)
	MOVBLZX 3(SI), AX
	VMOVSS (R11)(AX*4), X1
	VMOVSS X1, 12(R8)
	ADDQ $64, DI
	ADDQ $16, R8
	ADDQ $36, SI
	DECQ CX
	JNE block
	VZEROUPPER
	RET
