//go:build !noasm

#include "textflag.h"

DATA qAbs<>+0(SB)/4, $0x7fffffff
GLOBL qAbs<>(SB), RODATA|NOPTR, $4
DATA q127<>+0(SB)/4, $0x42fe0000 // 127
GLOBL q127<>(SB), RODATA|NOPTR, $4
DATA qTiny<>+0(SB)/4, $0x1e3ce508 // 1e-20, the constant tiny
GLOBL qTiny<>(SB), RODATA|NOPTR, $4
DATA qOnes<>+0(SB)/4, $0x00010001
GLOBL qOnes<>(SB), RODATA|NOPTR, $4
DATA qOne<>+0(SB)/4, $1
GLOBL qOne<>(SB), RODATA|NOPTR, $4
DATA qHalf<>+0(SB)/4, $0xfff
GLOBL qHalf<>(SB), RODATA|NOPTR, $4

// Two packs of 32-bit numbers to bytes leave the quads in the order
// 0 2 4 6 1 3 5 7; this puts them back.
DATA qOrder<>+0(SB)/8, $0x0000000400000000
DATA qOrder<>+8(SB)/8, $0x0000000500000001
DATA qOrder<>+16(SB)/8, $0x0000000600000002
DATA qOrder<>+24(SB)/8, $0x0000000700000003
GLOBL qOrder<>(SB), RODATA|NOPTR, $32

// MAXOF puts the largest of the eight values of Y4 into X4.
#define MAXOF \
	VEXTRACTF128 $1, Y4, X5; \
	VMAXPS X5, X4, X4; \
	VPERMILPS $0x4e, X4, X5; \
	VMAXPS X5, X4, X4; \
	VPERMILPS $0xb1, X4, X5; \
	VMAXPS X5, X4, X4

// SCALES turns the largest magnitude in X4 into the scale X4 and its inverse
// in all of Y5; both zero if the magnitude is below qTiny.
#define SCALES \
	VDIVSS X4, X14, X5; \
	VUCOMISS X13, X4; \
	JAE 3(PC); \
	VPXOR X4, X4, X4; \
	VPXOR X5, X5, X5; \
	VDIVSS X14, X4, X4; \
	VBROADCASTSS X5, Y5

// SUMOF puts the sum of the eight numbers of Y6 into X6.
#define SUMOF \
	VEXTRACTI128 $1, Y6, X7; \
	VPADDD X7, X6, X6; \
	VPSHUFD $0x4e, X6, X7; \
	VPADDD X7, X6, X6; \
	VPSHUFD $0xb1, X6, X7; \
	VPADDD X7, X6, X6

// func quantizeQ8AVX2(dst *byte, x *float32, n int)
TEXT ·quantizeQ8AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS qAbs<>(SB), Y15
	VMOVSS q127<>(SB), X14
	VMOVSS qTiny<>(SB), X13
	VMOVDQU qOrder<>(SB), Y12
	VBROADCASTSS qOne<>(SB), X11
	VBROADCASTSS qHalf<>(SB), X10

loop:
	VMOVUPS (SI), Y0
	VMOVUPS 32(SI), Y1
	VMOVUPS 64(SI), Y2
	VMOVUPS 96(SI), Y3
	VANDPS Y0, Y15, Y4
	VANDPS Y1, Y15, Y5
	VANDPS Y2, Y15, Y6
	VANDPS Y3, Y15, Y7
	VMAXPS Y5, Y4, Y4
	VMAXPS Y7, Y6, Y6
	VMAXPS Y6, Y4, Y4
	MAXOF
	SCALES
	VMULPS Y5, Y0, Y0
	VMULPS Y5, Y1, Y1
	VMULPS Y5, Y2, Y2
	VMULPS Y5, Y3, Y3
	VCVTPS2DQ Y0, Y0
	VCVTPS2DQ Y1, Y1
	VCVTPS2DQ Y2, Y2
	VCVTPS2DQ Y3, Y3

	// The sums: X8 of the first 16 codes, X6 of all.
	VPADDD Y1, Y0, Y6
	SUMOF
	VMOVDQA X6, X8
	VPADDD Y3, Y2, Y6
	SUMOF
	VPADDD X8, X6, X6

	VPACKSSDW Y1, Y0, Y0
	VPACKSSDW Y3, Y2, Y2
	VPACKSSWB Y2, Y0, Y0
	VPERMD Y0, Y12, Y0
	VMOVDQU Y0, (DI)

	// The scale and scale times sum, side by side, rounded as by roundScale.
	VCVTDQ2PS X6, X7
	VMULSS X4, X7, X7
	VUNPCKLPS X7, X4, X4
	VPSRLD $13, X4, X9
	VPAND X11, X9, X9
	VPADDD X10, X9, X9
	VPADDD X9, X4, X4
	VPSRLD $13, X4, X4
	VPSLLD $13, X4, X4
	VMOVQ X4, 32(DI)
	VPXOR X9, X9, X9
	VPSLLD $7, X6, X6
	VPSUBD X6, X9, X6
	VMOVD X6, 40(DI)
	VPSLLD $7, X8, X8
	VPSUBD X8, X9, X8
	VMOVD X8, 44(DI)
	ADDQ $128, SI
	ADDQ $48, DI
	DECQ CX
	JNE loop
	VZEROUPPER
	RET

// func quantizeQ8KAVX2(dst *byte, x *float32, n int)
TEXT ·quantizeQ8KAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS qAbs<>(SB), Y15
	VMOVSS q127<>(SB), X14
	VMOVSS qTiny<>(SB), X13
	VPBROADCASTD qOnes<>(SB), Y12

unit:
	// The largest magnitude of 256 values, in four chains.
	VPXOR Y0, Y0, Y0
	VPXOR Y1, Y1, Y1
	VPXOR Y2, Y2, Y2
	VPXOR Y3, Y3, Y3
	MOVQ SI, AX
	MOVQ $8, DX
max:
	VANDPS (AX), Y15, Y4
	VANDPS 32(AX), Y15, Y5
	VANDPS 64(AX), Y15, Y6
	VANDPS 96(AX), Y15, Y7
	VMAXPS Y4, Y0, Y0
	VMAXPS Y5, Y1, Y1
	VMAXPS Y6, Y2, Y2
	VMAXPS Y7, Y3, Y3
	ADDQ $128, AX
	DECQ DX
	JNE max
	VMAXPS Y1, Y0, Y0
	VMAXPS Y3, Y2, Y2
	VMAXPS Y2, Y0, Y4
	MAXOF
	SCALES
	VMOVSS X4, 368(DI)

	// Sixteen codes at a time, and their sums as words.
	MOVQ $16, DX
	MOVQ DI, BX
	LEAQ 320(DI), R8
codes:
	VMULPS (SI), Y5, Y0
	VMULPS 32(SI), Y5, Y1
	VCVTPS2DQ Y0, Y0
	VCVTPS2DQ Y1, Y1
	VPADDD Y1, Y0, Y6
	SUMOF
	VPEXTRW $0, X6, (R8)
	VPACKSSDW Y1, Y0, Y0
	VPERMQ $0xd8, Y0, Y0
	VEXTRACTI128 $1, Y0, X1
	VPACKSSWB X1, X0, X0
	VMOVDQU X0, (BX)
	ADDQ $64, SI
	ADDQ $16, BX
	ADDQ $2, R8
	DECQ DX
	JNE codes

	// From the words: -128 times each, and the sums of pairs.
	VMOVDQU 320(DI), Y0
	VPMADDWD Y12, Y0, Y1
	VEXTRACTI128 $1, Y1, X2
	VPACKSSDW X2, X1, X1
	VMOVDQU X1, 352(DI)
	VPXOR Y9, Y9, Y9
	VPMOVSXWD 320(DI), Y2
	VPMOVSXWD 336(DI), Y3
	VPSLLD $7, Y2, Y2
	VPSLLD $7, Y3, Y3
	VPSUBD Y2, Y9, Y2
	VPSUBD Y3, Y9, Y3
	VMOVDQU Y2, 256(DI)
	VMOVDQU Y3, 288(DI)
	ADDQ $384, DI
	DECQ CX
	JNE unit
	VZEROUPPER
	RET
