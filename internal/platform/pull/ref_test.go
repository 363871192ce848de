package pull

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// p0 is a time that files have.
var p0 = time.Unix(1_700_000_000, 0)

func TestParse(t *testing.T) {
	f := func(name string, want Ref) {
		t.Helper()
		got, err := Parse(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if d := cmp.Diff(&want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	f("hf.co/o/r", Ref{Kind: Hub, Name: "hf.co/o/r", Owner: "o", Repo: "r"})
	f("HF.co/o/r-GGUF:Q4_K_M", Ref{Kind: Hub, Name: "hf.co/o/r-GGUF:Q4_K_M", Owner: "o", Repo: "r-GGUF", Tag: "Q4_K_M"})
	f("hf:o/r/sub/m-Q8_0.gguf", Ref{Kind: Hub, Name: "hf.co/o/r:sub-m-Q8_0", Owner: "o", Repo: "r", File: "sub/m-Q8_0.gguf"})
	f("https://huggingface.co/o/r/blob/main/m.gguf?download=true", Ref{Kind: Hub, Name: "hf.co/o/r:m", Owner: "o", Repo: "r", File: "m.gguf"})
	f("hf.co/o/r:m.gguf", Ref{Kind: Hub, Name: "hf.co/o/r:m", Owner: "o", Repo: "r", File: "m.gguf"})
	f("https://example.com/a/m.gguf?x=1", Ref{Kind: Address, Name: "m", File: "m.gguf", URL: "https://example.com/a/m.gguf?x=1"})
	f("http://127.0.0.1:8080/m.GGUF", Ref{Kind: Address, Name: "m", File: "m.GGUF", URL: "http://127.0.0.1:8080/m.GGUF"})
	f("deepseek-r1", Ref{Kind: Registry, Name: "deepseek-r1:latest", Owner: "library", Repo: "deepseek-r1", Tag: "latest"})
	f("me/mine:7b", Ref{Kind: Registry, Name: "me/mine:7b", Owner: "me", Repo: "mine", Tag: "7b"})
}

func TestParseErrors(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "../x", "a/b/c", "a b", "hf.co/", "hf.co/o", "hf.co/../r", "hf.co/o/r:", "hf.co/o/r:a/b", "hf:o/r/../../m.gguf", "hf:o/r/m.safetensors",
		"hf:o/r/.m.gguf", "http://example.com/m.gguf", "ftp://example.com/m.gguf", "file:///etc/m.gguf", "https://example.com/", "https://example.com/m.bin",
		"https://user:secret@example.com/m.gguf", "x:../y", "x:", "-x", "x\x00y", "http://127.0.0.1.evil.example/m.gguf",
	} {
		if r, err := Parse(name); err == nil {
			t.Errorf("%q is understood as %+v", name, r)
		} else if strings.Contains(err.Error(), "secret") && !strings.Contains(name, "secret") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"hf.co/o/r:Q4", "hf:o/r/a/b.gguf", "https://h/x.gguf", "a/b:c", "http://localhost/a.gguf", "../../x", "hf.co/o/r/tree/main/x.gguf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r, err := Parse(name)
		if err != nil {
			return
		}
		if r.File != "" && !filepath.IsLocal(filepath.FromSlash(r.File)) {
			t.Errorf("%q leads to %q", name, r.File)
		}
		if err := library.CheckName(r.Name); err != nil && len(r.Name) <= 200 {
			t.Errorf("%q: %v", name, err)
		}
	})
}

func TestChoose(t *testing.T) {
	all := []hubFile{
		{Name: "m-Q2_K.gguf"},
		{Name: "m-Q4_K_M.gguf"},
		{Name: "m-UD-Q4_K_M.gguf"},
		{Name: "Q8_0/m-Q8_0-00001-of-00002.gguf"},
		{Name: "Q8_0/m-Q8_0-00002-of-00002.gguf"},
		{Name: "mmproj-Q4_K_M.gguf"},
		{Name: "m.imatrix.gguf"},
		{Name: "BF16/m.gguf"},
		{Name: "notes.txt"},
	}
	f := func(tag, file string, want ...string) {
		t.Helper()
		got, err := choose(&Ref{Owner: "o", Repo: "r", Tag: tag, File: file}, all)
		var names []string
		for _, g := range got {
			names = append(names, g.Name)
		}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("%q %q (%v): %s", tag, file, err, d)
		}
	}
	f("", "", "m-Q4_K_M.gguf")
	f("latest", "", "m-Q4_K_M.gguf")
	f("q2_k", "", "m-Q2_K.gguf")
	f("UD-Q4_K_M", "", "m-UD-Q4_K_M.gguf")
	f("Q8_0", "", "Q8_0/m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00002-of-00002.gguf")
	f("BF16", "", "BF16/m.gguf")
	f("Q6_K", "")
	f("", "m-Q2_K.gguf", "m-Q2_K.gguf")
	f("", "m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00001-of-00002.gguf", "Q8_0/m-Q8_0-00002-of-00002.gguf")
	f("", "x.gguf")
}

func TestContentRange(t *testing.T) {
	if from, to, total, err := contentRange("bytes 5-9/10"); from != 5 || to != 9 || total != 10 || err != nil {
		t.Errorf("%d %d %d %v", from, to, total, err)
	}
	for _, s := range []string{"", "bytes */10", "bytes 5-9/*", "bytes 9-5/10", "bytes 5-10/10", "bytes -1-5/10", "items 1-2/3", "bytes 99999999999999999999-1/2"} {
		if _, _, _, err := contentRange(s); err == nil {
			t.Errorf("%q is a range", s)
		}
	}
}
