package main

import "fmt"

// values writes the weighted sums of rows for nq queries. It takes the
// dimensions in strips of some vectors, whose accumulators stay in registers
// over all rows.
func (t *tier) values(e elem, nq int) {
	t.line("// func values%sx%d%s(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)", e.name, nq, t.name)
	t.line("TEXT ·values%sx%d%s(SB), NOSPLIT, $0-64", e.name, nq, t.name)
	t.op("MOVQ", "acc+0(FP)", "DI")
	t.op("MOVQ", "rows+8(FP)", "SI")
	t.op("MOVQ", "w+16(FP)", "DX")
	t.op("MOVQ", "dv+24(FP)", "CX")
	t.op("MOVQ", "accStride+32(FP)", "AX")
	t.op("MOVQ", "stride+40(FP)", "BX")
	t.op("LEAQ", "(AX)(AX*2)", "R8")
	t.op("MOVQ", "ahead+56(FP)", "R12")
	for i, n := range t.widths(e, nq) {
		t.strip(e, nq, n, i)
	}
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// widths lists the strips' numbers of vectors, largest first: what the registers
// hold, then what fills the rest of a row. It is empty where the registers do not
// hold one block.
func (t *tier) widths(e elem, nq int) []int {
	var w []int
	if t.w == 16 {
		w = map[int][]int{1: {8, 4, 1}, 2: {8, 4, 1}, 4: {4, 1}}[nq]
	} else {
		w = map[int][]int{1: {8, 2}, 2: {4, 2}, 4: {2}}[nq]
	}
	if e.size == 0 { // whole blocks
		least := e.block / t.w
		if w[0] < least {
			return nil
		}
		w[len(w)-1] = least
		if len(w) > 1 && w[len(w)-2] == least {
			w = w[:len(w)-1]
		}
	}
	return w
}

// strip writes the loop over strips of n vectors, which takes as many as fit in
// what is left of a row.
func (t *tier) strip(e elem, nq, n, label int) {
	accPtr := []string{"(DI)", "(DI)(AX*1)", "(DI)(AX*2)", "(DI)(R8*1)"}
	t.line("\nstrip%d:", label)
	t.op("CMPQ", "CX", fmt.Sprintf("$%d", n*t.w))
	t.line("\tJLT next%d", label)
	for i := range nq {
		for j := range n {
			t.op("VMOVUPS", fmt.Sprintf("%d%s", 4*t.w*j, accPtr[i]), v(i*n+j))
		}
	}
	t.op("MOVQ", "SI", "R9")
	t.op("MOVQ", "DX", "R10")
	t.op("MOVQ", "n+48(FP)", "R11")
	t.line("\nrows%d:", label)
	for at := 0; at < t.step(e, n); at += 64 {
		t.op("PREFETCHT1", fmt.Sprintf("%d(R9)(R12*1)", at))
	}
	t.rowUpdate(e, nq, n)
	t.op("ADDQ", "BX", "R9")
	t.op("ADDQ", "$4", "R10")
	t.op("DECQ", "R11")
	t.line("\tJNZ rows%d\n", label)
	for i := range nq {
		for j := range n {
			t.op("VMOVUPS", v(i*n+j), fmt.Sprintf("%d%s", 4*t.w*j, accPtr[i]))
		}
	}
	t.op("ADDQ", fmt.Sprintf("$%d", 4*t.w*n), "DI")
	t.op("ADDQ", fmt.Sprintf("$%d", t.step(e, n)), "SI")
	t.op("SUBQ", fmt.Sprintf("$%d", t.w*n), "CX")
	t.line("\tJMP strip%d", label)
	t.line("\nnext%d:", label)
}

// rowUpdate writes acc[i] += w[i] * row for one row's strip.
func (t *tier) rowUpdate(e elem, nq, n int) {
	weight := nq * n // first register that is not an accumulator
	row := weight + nq
	for i := range nq {
		t.op("VBROADCASTSS", fmt.Sprintf("%d(R10)", i*scoreStride), v(weight+i))
	}
	for j := range n {
		t.load(e, "R9", j, row, row+1, true)
		for i := range nq {
			t.op("VFMADD231PS", v(row), v(weight+i), v(i*n+j))
		}
	}
}
