package matmul

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// An encoded instruction is a macro of encodings_amd64.h.
type encoded struct {
	name, meaning string
	code          []byte
}

// readEncodings returns the instructions of the header. Displacements, which are
// arguments of macros, are taken as 3.
func readEncodings(t *testing.T) []encoded {
	t.Helper()
	text, err := os.ReadFile("encodings_amd64.h")
	if err != nil {
		t.Fatal(err)
	}
	define := regexp.MustCompile(`(?m)^#define (\w+)(?:\(quarter\))? (.*) // (.*)$`)
	var list []encoded
	for _, m := range define.FindAllStringSubmatch(string(text), -1) {
		e := encoded{name: m[1], meaning: strings.ReplaceAll(m[3], "quarter*4", "0xc")}
		for part := range strings.SplitSeq(strings.ReplaceAll(m[2], "$quarter", "$3"), "; ") {
			b, err := strconv.ParseUint(strings.TrimPrefix(part, "BYTE $"), 0, 8)
			if err != nil {
				t.Fatalf("%s: %q is not a byte", m[1], part)
			}
			e.code = append(e.code, byte(b))
		}
		list = append(list, e)
	}
	return list
}

// TestEncodings compares the bytes of the instructions that the assembler lacks
// with what a disassembler (GNU objdump 2.40) made of them, in
// testdata/encodings.txt; and, where there is one, with what it makes of them now.
func TestEncodings(t *testing.T) {
	list := readEncodings(t)
	if len(list) < 40 {
		t.Fatalf("only %d instructions in the header", len(list))
	}
	var text strings.Builder
	for _, e := range list {
		fmt.Fprintf(&text, "% x\t%s\n", e.code, e.meaning)
	}
	want, err := os.ReadFile(filepath.Join("testdata", "encodings.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != string(want) {
		t.Errorf("the header is not what was disassembled:\n%s", text.String())
	}
	disassemble(t, list)
}

// disassemble compares the meanings with objdump's, if this machine has it.
func disassemble(t *testing.T, list []encoded) {
	tool, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("no objdump here: compared with its former output only")
	}
	var code []byte
	for _, e := range list {
		code = append(code, e.code...)
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--insn-width=16", file).Output()
	if err != nil {
		t.Skipf("objdump does not know amd64: %v", err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if parts := strings.Split(line, "\t"); len(parts) == 3 {
			m := strings.TrimPrefix(strings.TrimSpace(parts[2]), "{vex} ")
			got = append(got, strings.Join(strings.Fields(strings.ReplaceAll(m, "DWORD BCST ", "")), " "))
		}
	}
	for i, e := range list {
		if i >= len(got) || strings.TrimSuffix(got[i], "{1to16}") != strings.TrimSuffix(e.meaning, "{1to16}") {
			t.Errorf("%s: % x is %q, want %q", e.name, e.code, got[min(i, len(got)-1)], e.meaning)
		}
	}
}
