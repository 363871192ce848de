package gguf

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestHostileFiles opens files that break one rule each. All are refused with
// their own message.
func TestHostileFiles(t *testing.T) {
	f := func(r *raw, kind error, want string) {
		t.Helper()
		_, err := OpenBytes("m.gguf", r.b)
		want = "gguf: m.gguf: " + kind.Error() + ": " + want
		if err == nil || !errors.Is(err, kind) {
			t.Errorf("got %v\nwant %s", err, want)
			return
		}
		// Where in the text the sentinel stands depends on the nesting.
		if got := strings.Replace(err.Error(), kind.Error()+": ", "", 1); got != strings.Replace(want, kind.Error()+": ", "", 1) {
			t.Errorf(" got %v\nwant %s", err, want)
		}
	}
	const m, tr, un = 0, 1, 2
	kinds := []error{ErrMalformed, ErrTruncated, ErrUnsupported}
	pad := strings.Repeat("\x00", 64)

	// Versions.
	f((&raw{}).bytes(magic).u32(1).bytes(pad), kinds[un], "GGUF version 1 is obsolete, expected 2 or 3; take a newer file of this model or convert it again")
	f((&raw{}).bytes(magic).u32(4).bytes(pad), kinds[un], "GGUF version 4, expected 2 or 3")
	f((&raw{}).bytes(magic).u32(0).bytes(pad), kinds[un], "GGUF version 0, expected 2 or 3")
	f((&raw{}).bytes(magic).u32(3<<24).bytes(pad), kinds[un], "it is big-endian (version field 0x03000000); take the little-endian file of this model, or convert this one with gguf_convert_endian from the gguf Python package")

	// Counts that the file cannot hold.
	f(head(0, 1<<63).bytes(pad), kinds[tr], "the header promises 9223372036854775808 metadata keys, which do not fit into the 64 bytes left")
	f(head(0, 5).bytes(pad), kinds[tr], "the header promises 5 metadata keys, which do not fit into the 64 bytes left")
	f(head(1<<64-1, 0).bytes(pad), kinds[tr], "the header promises 18446744073709551615 tensors, which do not fit into the 64 bytes left")
	f(head(3, 1).bytes(pad), kinds[tr], "the header promises 3 tensors, which do not fit into the 64 bytes left")

	// Names.
	f(head(0, 1).u64(1<<60).bytes(pad), kinds[tr], "metadata key 0 of 1: name: string: 1152921504606846976 bytes needed at offset 32, 64 left")
	f(head(0, 1).str("").bytes(pad), kinds[m], "metadata key 0 of 1: name of 0 bytes, expected 1 to 65535")
	f(head(0, 1).str(strings.Repeat("k", 65536)).bytes(pad), kinds[m], "metadata key 0 of 1: name of 65536 bytes, expected 1 to 65535")
	f(head(0, 1).str("a\x00b").bytes(pad), kinds[m], `metadata key 0 of 1: name "a\x00b" has a byte that is not text`)
	f(head(0, 1).str("a\xffb").bytes(pad), kinds[m], `metadata key 0 of 1: name "a\xffb" has a byte that is not text`)
	f(head(0, 2).key("k", Uint8).u8(1).key("k", Uint8).u8(2), kinds[m], `metadata: "k" is there twice`)
	f(head(2, 0).info("w", quant.F32, 0, 1).info("w", quant.F32, 32, 1).data(64), kinds[m], `tensors: "w" is there twice`)

	// Values.
	f(head(0, 1).key("k", 13).bytes(pad), kinds[m], `metadata key "k": value type 13, expected 0 to 12`)
	f(head(0, 1).key("k", Uint64).u32(1), kinds[tr], `metadata key "k": 8 bytes needed at offset 37, 4 left`)
	f(head(0, 1).key("k", Bool).u8(2), kinds[m], `metadata key "k": bool value 2, expected 0 or 1`)
	f(head(0, 1).key("k", String).u64(1<<64-1), kinds[tr], `metadata key "k": string: 18446744073709551615 bytes needed at offset 45, 0 left`)
	f(head(0, 1).key("k", Array).u32(99).u64(1), kinds[m], `metadata key "k": value type 99, expected 0 to 12`)
	f(head(0, 1).key("k", Array).u32(uint32(Uint64)).u64(1<<61).bytes(pad), kinds[tr], `metadata key "k": array of 2305843009213693952 u64 values at offset 49, 64 bytes left`)
	f(head(0, 1).key("k", Array).u32(uint32(String)).u64(9).bytes(pad), kinds[tr], `metadata key "k": array of 9 string values at offset 49, 64 bytes left`)
	f(head(0, 1).key("k", Array).u32(uint32(String)).u64(2).str("x").u64(1<<40), kinds[tr], `metadata key "k": element 1 of 2: string: 1099511627776 bytes needed at offset 66, 0 left`)
	f(head(0, 1).key("k", Array).u32(uint32(Bool)).u64(2).u8(1).u8(7), kinds[m], `metadata key "k": bool value 7, expected 0 or 1`)
	nest := head(0, 1).key("k", Array)
	for range 9 {
		nest.u32(uint32(Array)).u64(1)
	}
	f(nest.bytes(pad), kinds[m], `metadata key "k": `+strings.Repeat("element 0 of 1: ", 8)+`arrays nested deeper than 8`)

	// Alignment.
	f(head(0, 1).key("general.alignment", Uint32).u32(0), kinds[m], "general.alignment is 0, expected a power of two from 8 to 16777216")
	f(head(0, 1).key("general.alignment", Uint32).u32(24), kinds[m], "general.alignment is 24, expected a power of two from 8 to 16777216")
	f(head(0, 1).key("general.alignment", Uint64).u64(1<<63), kinds[m], "general.alignment is 9223372036854775808, expected a power of two from 8 to 16777216")
	f(head(0, 1).key("general.alignment", String).str("32"), kinds[m], `metadata key "general.alignment" is string, expected an integer`)

	// Tensor shapes.
	f(head(1, 0).str("w").u32(5).bytes(pad), kinds[m], `tensor "w": 5 dimensions, expected at most 4`)
	f(head(1, 0).info("w", quant.F32, 0, 4, 0).data(64), kinds[m], `tensor "w": dimensions [4 0], expected each at least 1 and a product below 2^63`)
	f(head(1, 0).info("w", quant.F32, 0, 1<<32, 1<<32).data(64), kinds[m], `tensor "w": dimensions [4294967296 4294967296], expected each at least 1 and a product below 2^63`)
	f(head(1, 0).info("w", 200, 0, 1<<63).data(64), kinds[m], `tensor "w": dimensions [9223372036854775808], expected each at least 1 and a product below 2^63`)
	f(head(1, 0).info("w", quant.F64, 0, 1<<62).data(64), kinds[m], `tensor "w": dimensions [4611686018427387904] of F64 take more than 2^63 bytes`)
	f(head(1, 0).info("w", quant.Q4_K, 0, 32).data(64), kinds[m], `tensor "w": rows of 32 elements, Q4_K needs a multiple of 256`)

	// Tensor ranges.
	f(head(1, 0).info("w", quant.F32, 1<<63, 16).data(64), kinds[tr], `tensor "w" needs 64 bytes at offset 9223372036854775808 of the data section, which has 64; the file is cut short or still being downloaded`)
	f(head(1, 0).info("w", quant.F32, 0, 17).data(64), kinds[tr], `tensor "w" needs 68 bytes at offset 0 of the data section, which has 64; the file is cut short or still being downloaded`)
	f(head(1, 0).info("w", 200, 64, 17).data(64), kinds[tr], `tensor "w" needs 1 bytes at offset 64 of the data section, which has 64; the file is cut short or still being downloaded`)
	f(head(1, 0).info("w", quant.F32, 0, 1), kinds[tr], `tensor "w" needs 4 bytes at offset 0 of the data section, which has 0; the file is cut short or still being downloaded`)
	f(head(1, 0).info("w", quant.F32, 4, 1).data(64), kinds[m], `tensor "w" at offset 4, expected a multiple of 32`)
	f(head(2, 0).info("v", quant.F32, 0, 9).info("w", quant.F32, 32, 1).data(64), kinds[m], `tensor "w" at offset 32 begins inside "v", which ends at 36`)
	f(head(2, 0).info("v", quant.F32, 32, 1).info("w", quant.F32, 0, 9).data(64), kinds[m], `tensor "v" at offset 32 begins inside "w", which ends at 36`)
	f(head(2, 0).info("v", 200, 0, 9).info("w", 200, 0, 1).data(64), kinds[m], `tensor "w" at offset 0 begins inside "v", which ends at 1`)

	// A shard alone.
	f(head(0, 1).key("split.count", Uint16).u8(3).u8(0), ErrMissingShard, "one of 3 shards, which cannot be read alone")
}

// TestTruncatedAnywhere cuts a file at every byte: each cut is an error of this
// package.
func TestTruncatedAnywhere(t *testing.T) {
	whole := sample(t)
	f, err := OpenBytes("m.gguf", whole)
	if err != nil {
		t.Fatal(err)
	}
	last := f.Tensors()[2]
	for n := range whole {
		f, err := OpenBytes("m.gguf", whole[:n:n])
		if err == nil {
			// Only the last tensor's tail may be missing: its type is unknown and
			// its size with it.
			if uint64(n) <= last.at {
				t.Errorf("%d of %d bytes were accepted", n, len(whole))
			}
			f.Close()
			continue
		}
		if !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrNotGGUF) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestMemoryOfHostileFiles shows that opening costs no more memory than the file
// is long, for lying counts as for the most records that fit.
func TestMemoryOfHostileFiles(t *testing.T) {
	f := func(name string, r *raw) {
		t.Helper()
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		x, err := OpenBytes(name, r.b)
		runtime.ReadMemStats(&after)
		// TotalAlloc counts what was freed again too, so it bounds the peak. What a
		// file costs whatever its length is allowed on top.
		const fixed = 16 << 10
		if n := after.TotalAlloc - before.TotalAlloc; n > uint64(len(r.b))+fixed {
			t.Errorf("%s: %d bytes allocated for a file of %d (error %v)", name, n, len(r.b), err)
		}
		if err == nil {
			x.Close()
		}
	}
	zeros := strings.Repeat("\x00", 1<<20)
	f("lying keys", head(0, 1<<20/minKey).bytes(zeros))
	f("lying tensors", head(1<<20/minInfo, 0).bytes(zeros))
	f("lying string", head(0, 1).key("k", String).u64(1<<40).bytes(zeros))
	f("lying array", head(0, 1).key("k", Array).u32(uint32(Uint8)).u64(1<<40).bytes(zeros))
	f("empty strings", head(0, 1).key("k", Array).u32(uint32(String)).u64(1<<17).bytes(zeros))

	keys := head(0, 1<<16)
	for i := range 1 << 16 {
		keys.key(string([]byte{'!' + byte(i%90), '!' + byte(i/90%90), '!' + byte(i/8100)}), Uint8).u8(0)
	}
	f("many keys", keys)

	tensors := head(1<<16, 1).key("general.alignment", Uint32).u32(8)
	for i := range 1 << 16 {
		tensors.info(string([]byte{'!' + byte(i%90), '!' + byte(i/90%90), '!' + byte(i/8100)}), quant.I8, uint64(8*i))
	}
	f("many tensors", tensors.data(8<<16))
}
