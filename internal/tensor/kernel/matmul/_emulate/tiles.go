package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"syscall"
)

// tiles is the tile state of one thread.
type tiles struct {
	mem  memory
	on   bool
	rows [8]int // of each tile
	cols [8]int // bytes per row
	data [8][16][64]byte
}

var errUnknown = errors.New("no tile instruction")

// run does one instruction and returns its length. All begin with a VEX prefix of
// three bytes: c4, then R, X, B (inverted) and map 2, then W, a register
// (inverted), L and the mandatory prefix.
func (t *tiles) run(code [6]byte, regs *syscall.PtraceRegs) (int, error) {
	if code[0] != 0xc4 || code[1]&0x9f != 0x82 || code[2]&0x84 != 0 {
		return 0, errUnknown
	}
	other, prefix := int(^code[2]>>3&15), code[2]&3
	mod, reg, rm := code[4]>>6, int(code[4]>>3&7), int(code[4]&7)
	base := rm | int(^code[1]>>5&1)<<3
	switch {
	case code[3] == 0x49 && prefix == 0 && mod == 0 && reg == 0 && rm != 4 && rm != 5 && other == 0:
		return 5, t.configure(register(regs, base))
	case code[3] == 0x49 && prefix == 0 && code[4] == 0xc0 && other == 0:
		t.on = false
		return 5, nil
	case code[3] == 0x49 && prefix == 3 && mod == 3 && rm == 0 && other == 0:
		return 5, t.zero(reg)
	case code[3] == 0x4b && prefix >= 2 && mod == 0 && rm == 4 && other == 0:
		sib := code[5]
		if sib&7 == 5 {
			return 0, errUnknown
		}
		base = int(sib&7) | int(^code[1]>>5&1)<<3
		index := int(sib>>3&7) | int(^code[1]>>6&1)<<3
		at, stride := register(regs, base), register(regs, index)<<(sib>>6)
		return 6, t.move(reg, int64(at), int64(stride), prefix == 2)
	case code[3] == 0x5e && prefix == 3 && mod == 3:
		return 5, t.dot(reg, rm, other, t.bytes)
	case code[3] == 0x5c && prefix == 2 && mod == 3:
		return 5, t.dot(reg, rm, other, t.brains)
	}
	return 0, errUnknown
}

// configure is LDTILECFG.
func (t *tiles) configure(at uint64) error {
	var cfg [64]byte
	if err := t.mem.rows([][]byte{cfg[:]}, int64(at), 0, false); err != nil {
		return err
	}
	if cfg[0] != 1 || cfg[1] != 0 {
		return fmt.Errorf("palette %d, start row %d", cfg[0], cfg[1])
	}
	*t = tiles{mem: t.mem, on: true}
	for i := range 8 {
		t.cols[i] = int(binary.LittleEndian.Uint16(cfg[16+2*i:]))
		t.rows[i] = int(cfg[48+i])
		if t.cols[i] > 64 || t.rows[i] > 16 {
			return fmt.Errorf("tile %d of %d rows of %d bytes", i, t.rows[i], t.cols[i])
		}
	}
	return nil
}

func (t *tiles) check(list ...int) error {
	for _, i := range list {
		if !t.on || i > 7 || t.rows[i] == 0 || t.cols[i] == 0 {
			return fmt.Errorf("tile %d is not configured", i)
		}
	}
	return nil
}

func (t *tiles) zero(tile int) error {
	t.data[tile] = [16][64]byte{}
	return t.check(tile)
}

// move is TILELOADD and TILESTORED.
func (t *tiles) move(tile int, at, stride int64, store bool) error {
	if err := t.check(tile); err != nil {
		return err
	}
	var rows [][]byte
	for r := range t.rows[tile] {
		rows = append(rows, t.data[tile][r][:t.cols[tile]])
	}
	if !store {
		t.data[tile] = [16][64]byte{}
	}
	return t.mem.rows(rows, at, stride, store)
}

// dot adds to each number of dst the product of a row of a and a column of b.
func (t *tiles) dot(dst, a, b int, product func(sum uint32, a, b, m, n int) uint32) error {
	if err := t.check(dst, a, b); err != nil {
		return err
	}
	if dst == a || dst == b || a == b {
		return fmt.Errorf("tiles %d, %d, %d are not distinct", dst, a, b)
	}
	if t.rows[dst] != t.rows[a] || t.cols[dst] != t.cols[b] || t.cols[a] != 4*t.rows[b] {
		return fmt.Errorf("tiles %d, %d, %d do not fit each other", dst, a, b)
	}
	for m := range t.rows[dst] {
		for n := range t.cols[dst] / 4 {
			at := t.data[dst][m][4*n:]
			binary.LittleEndian.PutUint32(at, product(binary.LittleEndian.Uint32(at), a, b, m, n))
		}
	}
	return nil
}

// bytes is the product of TDPBSSD: four neighbouring bytes of row m of a, times four
// of column n of b, are added to an int32.
func (t *tiles) bytes(sum uint32, a, b, m, n int) uint32 {
	total := int32(sum)
	for k := range t.cols[a] {
		total += int32(int8(t.data[a][m][k])) * int32(int8(t.data[b][k/4][4*n+k%4]))
	}
	return uint32(total)
}

// brains is the product of TDPBF16PS: two neighbouring bf16 of row m of a, times two
// of column n of b, are added to two float32, whose sum is added to the former one.
func (t *tiles) brains(sum uint32, a, b, m, n int) uint32 {
	var part [2]float32
	for k := range t.cols[a] / 2 {
		x := brain(t.data[a][m][2*k:])
		y := brain(t.data[b][k/2][4*n+2*(k%2):])
		part[k%2] = flush(float32(math.FMA(x, y, float64(part[k%2]))))
	}
	both := flush(part[0] + part[1])
	return math.Float32bits(flush(flush(math.Float32frombits(sum)) + both))
}

// brain reads a bf16.
func brain(b []byte) float64 {
	v := math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
	return float64(flush(v))
}

// flush takes a subnormal number as zero, as the instruction does.
func flush(v float32) float32 {
	const least = 0x1p-126
	if v < least && v > -least {
		return float32(math.Copysign(0, float64(v)))
	}
	return v
}

// register returns a register by its number in an instruction.
func register(r *syscall.PtraceRegs, n int) uint64 {
	return [16]uint64{
		r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi,
		r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15,
	}[n]
}
