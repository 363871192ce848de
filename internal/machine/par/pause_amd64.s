//go:build !noasm

#include "textflag.h"

// func pauseAsm(n uint32)
TEXT ·pauseAsm(SB), NOSPLIT, $0-4
	MOVL n+0(FP), AX

again:
	PAUSE
	SUBL $1, AX
	JHI  again
	RET
