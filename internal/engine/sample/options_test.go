package sample

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

func TestDefaultsAreValid(t *testing.T) {
	for _, o := range []Options{{}, Default(), Greedy(), neutral(1)} {
		if err := o.Validate(); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestValidateCatchesEveryFloat puts values that are no numbers into every
// float field that there is, also ones added later.
func TestValidateCatchesEveryFloat(t *testing.T) {
	f := func(set func(o *Options) reflect.Value, name string) {
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), -1000, 1e30} {
			o := Default()
			set(&o).SetFloat(bad)
			err := o.Validate()
			if _, ok := errors.AsType[*RangeError](err); !ok {
				t.Errorf("%s = %v: error %v", name, bad, err)
				continue
			}
			if !strings.Contains(err.Error(), "must be") {
				t.Errorf("%s: %q does not say what is allowed", name, err)
			}
		}
	}
	for _, path := range []string{"", "DRY"} {
		of := func(o *Options) reflect.Value {
			v := reflect.ValueOf(o).Elem()
			if path != "" {
				v = v.FieldByName(path)
			}
			return v
		}
		typ := of(&Options{}).Type()
		for i := range typ.NumField() {
			if typ.Field(i).Type.Kind() == reflect.Float64 {
				f(func(o *Options) reflect.Value { return of(o).Field(i) }, path+typ.Field(i).Name)
			}
		}
	}
}

func TestValidateTable(t *testing.T) {
	f := func(want string, change func(o *Options)) {
		t.Helper()
		o := Default()
		change(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	f("top_k is -1, but must be from 0", func(o *Options) { o.TopK = -1 })
	f("top_p is 1.5, but must be from 0 to 1", func(o *Options) { o.TopP = 1.5 })
	f("mirostat is 3, but must be from 0 to 2", func(o *Options) { o.Mirostat = 3 })
	f("repeat_last_n is -2", func(o *Options) { o.PenaltyLastN = -2 })
	f("dry_penalty_last_n is -2", func(o *Options) { o.DRY.LastN = -2 })
	f("logit_bias of token 7 is NaN", func(o *Options) { o.LogitBias = map[int32]float64{7: math.NaN()} })
	f("logit_bias names token -1", func(o *Options) { o.LogitBias = map[int32]float64{-1: 1} })
}
