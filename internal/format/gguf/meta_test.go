package gguf

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openSample(t testing.TB) *File {
	t.Helper()
	f, err := OpenBytes("sample.gguf", sample(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestValueOfEveryType(t *testing.T) {
	f := openSample(t)
	want := []string{"general.architecture"}
	for _, kv := range everyType {
		want = append(want, kv.key)
		got, ok := f.Value(kv.key)
		if diff := cmp.Diff(kv.value, got); !ok || diff != "" {
			t.Errorf("%s: found %v, -want +got:\n%s", kv.key, ok, diff)
		}
	}
	if diff := cmp.Diff(want, f.Keys()); diff != "" {
		t.Errorf("keys: -want +got:\n%s", diff)
	}
	if _, ok := f.Value("t.u"); ok {
		t.Error("a key that is not there was found")
	}
}

func TestTypeOf(t *testing.T) {
	f := openSample(t)
	check := func(key string, wantT, wantElem ValueType, wantN int, wantOK bool) {
		t.Helper()
		typ, elem, n, ok := f.TypeOf(key)
		if typ != wantT || elem != wantElem || n != wantN || ok != wantOK {
			t.Errorf("TypeOf(%q) = %v, %v, %d, %v", key, typ, elem, n, ok)
		}
	}
	check("t.f32", Float32, Float32, 1, true)
	check("t.string", String, String, 1, true)
	check("a.string", Array, String, 3, true)
	check("a.nested", Array, Array, 3, true)
	check("none", 0, 0, 0, false)
	if s := ValueType(13).String(); s != "ValueType(13)" {
		t.Error(s)
	}
}

// result is what a getter returned, for comparing.
type result struct {
	V   any
	OK  bool
	Err string
}

func got[T any](v T, ok bool, err error) result {
	r := result{V: v, OK: ok}
	if err != nil {
		r.Err = err.Error()
	}
	return r
}

func TestGetters(t *testing.T) {
	f := openSample(t)
	check := func(have result, v any, ok bool, errText string) {
		t.Helper()
		if diff := cmp.Diff(result{v, ok, errText}, have); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	check(got(f.Uint("t.u8")), uint64(200), true, "")
	check(got(f.Uint("t.u16")), uint64(60000), true, "")
	check(got(f.Uint("t.u32")), uint64(4e9), true, "")
	check(got(f.Uint("t.u64")), uint64(1)<<63, true, "")
	check(got(f.Uint("t.i32")), uint64(0), true, `gguf: metadata key "t.i32": wrong metadata type: -2000000000, expected at least 0`)
	check(got(f.Uint("t.f32")), uint64(0), true, `gguf: metadata key "t.f32": wrong metadata type: f32, expected an integer`)
	check(got(f.Uint("a.u8")), uint64(0), true, `gguf: metadata key "a.u8": wrong metadata type: an array of 2 u8, expected an integer`)
	check(got(f.Uint("none")), uint64(0), false, "")
	check(got(f.Int("t.i8")), int64(-100), true, "")
	check(got(f.Int("t.i16")), int64(-30000), true, "")
	check(got(f.Int("t.i64")), int64(-1)<<63, true, "")
	check(got(f.Int("t.u64")), int64(0), true, `gguf: metadata key "t.u64": wrong metadata type: 9223372036854775808 does not fit a signed integer`)
	check(got(f.Int("t.bool")), int64(0), true, `gguf: metadata key "t.bool": wrong metadata type: bool, expected an integer`)
	check(got(f.Float("t.f32")), 0.5, true, "")
	check(got(f.Float("t.f64")), -1e300, true, "")
	check(got(f.Float("t.i8")), -100.0, true, "")
	check(got(f.Float("t.u64")), 9223372036854775808.0, true, "")
	check(got(f.Float("t.string")), 0.0, true, `gguf: metadata key "t.string": wrong metadata type: string, expected a number`)
	check(got(f.Bool("t.bool")), true, true, "")
	check(got(f.Bool("t.u8")), false, true, `gguf: metadata key "t.u8": wrong metadata type: u8, expected a bool`)
	check(got(f.String("t.string")), "Grüße\x00\xff", true, "")
	check(got(f.String("t.empty")), "", true, "")
	check(got(f.String("t.u8")), "", true, `gguf: metadata key "t.u8": wrong metadata type: u8, expected a string`)
	check(got(f.Strings("a.string")), []string{"one", "", "three"}, true, "")
	check(got(f.Strings("a.none")), []string{}, true, "")
	check(got(f.Strings("t.string")), []string(nil), true, `gguf: metadata key "t.string": wrong metadata type: string, expected an array of strings`)
	check(got(f.Ints("a.i8")), []int64{-1, 1}, true, "")
	check(got(f.Ints("a.u64")), []int64(nil), true, `gguf: metadata key "a.u64": element 0: wrong metadata type: 9223372036854775808 does not fit a signed integer`)
	check(got(f.Ints("a.none")), []int64{}, true, "")
	check(got(f.Uints("a.u64")), []uint64{1 << 63}, true, "")
	check(got(f.Floats("a.f32")), []float32{1.5, -2}, true, "")
	check(got(f.Floats("a.f64")), []float32{0.1}, true, "")
	check(got(f.Floats("a.i16")), []float32{-1, 1}, true, "")
	check(got(f.Floats("a.nested")), []float32(nil), true, `gguf: metadata key "a.nested": wrong metadata type: an array of 3 array, expected an array of numbers`)
	check(got(f.Bools("a.bool")), []bool{true, false}, true, "")
}

func TestPerLayer(t *testing.T) {
	f := openSample(t)
	check := func(have result, v any, ok bool, errText string) {
		t.Helper()
		if diff := cmp.Diff(result{v, ok, errText}, have); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	check(got(f.UintsPerLayer("t.u8", 3)), []uint64{200, 200, 200}, true, "")
	check(got(f.UintsPerLayer("a.u16", 2)), []uint64{1, 65535}, true, "")
	check(got(f.UintsPerLayer("a.u16", 1)), []uint64{1}, true, "")
	check(got(f.UintsPerLayer("a.u16", 3)), []uint64(nil), true, `gguf: metadata key "a.u16": wrong metadata type: an array of 2 u16, expected one for each of 3 layers`)
	check(got(f.UintsPerLayer("a.i32", 2)), []uint64(nil), true, `gguf: metadata key "a.i32": element 0: wrong metadata type: -7, expected at least 0`)
	check(got(f.UintsPerLayer("t.u8", 1<<40)), []uint64(nil), true, `gguf: metadata key "t.u8": 1099511627776 layers asked, expected 0 to 65536`)
	check(got(f.UintsPerLayer("none", 3)), []uint64(nil), false, "")
	check(got(f.UintsPerLayer("t.string", 3)), []uint64(nil), true, `gguf: metadata key "t.string": wrong metadata type: string, expected an integer or an array of integers`)
	check(got(f.FloatsPerLayer("t.f32", 2)), []float32{0.5, 0.5}, true, "")
	check(got(f.FloatsPerLayer("a.f32", 2)), []float32{1.5, -2}, true, "")
	check(got(f.BoolsPerLayer("t.bool", 2)), []bool{true, true}, true, "")
	check(got(f.BoolsPerLayer("a.bool", 2)), []bool{true, false}, true, "")
}

func TestUseAfterClose(t *testing.T) {
	f, err := Open(save(t, t.TempDir(), "m.gguf", sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	x, _ := f.Tensor("a")
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Data(x); !errors.Is(err, ErrClosed) {
		t.Errorf("Data: %v", err)
	}
	if _, _, err := f.Uint("t.u8"); !errors.Is(err, ErrClosed) {
		t.Errorf("Uint: %v", err)
	}
	if _, ok := f.Value("t.u8"); ok || f.Arch() != "" || f.Keys() != nil || len(f.Tensors()) != 0 {
		t.Error("a closed file still answers")
	}
}
