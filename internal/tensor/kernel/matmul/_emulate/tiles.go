package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tiles is the tile state of one thread.
type tiles struct {
	mem  *os.File
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
		return 5, t.dot(reg, rm, other)
	}
	return 0, errUnknown
}

// configure is LDTILECFG.
func (t *tiles) configure(at uint64) error {
	var cfg [64]byte
	if _, err := t.mem.ReadAt(cfg[:], int64(at)); err != nil {
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
	if !store {
		t.data[tile] = [16][64]byte{}
	}
	for r := range t.rows[tile] {
		row, err := t.data[tile][r][:t.cols[tile]], error(nil)
		if store {
			_, err = t.mem.WriteAt(row, at+int64(r)*stride)
		} else {
			_, err = t.mem.ReadAt(row, at+int64(r)*stride)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dot is TDPBSSD: four neighbouring bytes of a row of a, times four of a column
// of b, are added to an int32 of dst.
func (t *tiles) dot(dst, a, b int) error {
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
			sum := int32(binary.LittleEndian.Uint32(at))
			for k := range t.cols[a] {
				sum += int32(int8(t.data[a][m][k])) * int32(int8(t.data[b][k/4][4*n+k%4]))
			}
			binary.LittleEndian.PutUint32(at, uint32(sum))
		}
	}
	return nil
}

// register returns a register by its number in an instruction.
func register(r *syscall.PtraceRegs, n int) uint64 {
	return [16]uint64{
		r.Rax, r.Rcx, r.Rdx, r.Rbx, r.Rsp, r.Rbp, r.Rsi, r.Rdi,
		r.R8, r.R9, r.R10, r.R11, r.R12, r.R13, r.R14, r.R15,
	}[n]
}
