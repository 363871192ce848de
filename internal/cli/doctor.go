package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
)

// listKernels is the value of doctor's --kernels when it stands alone.
const listKernels = "list"

func newDoctor(a *app.App) *cobra.Command {
	var o struct {
		json, fast, verify bool
		kernels, check     string
	}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine this machine: what it can do, what limits it, what to change",
		Long: `Print the processor and its features, memory and the limits on it, how fast memory
is read (which bounds the speed of answers), how fast it computes (which bounds how
fast prompts are read), which kernels are used and why, and advice.

--verify compares the kernels of every tier that this processor has with plain Go,
each tier in a process of its own. A tier that the project itself had no processor for
is off until it has passed here; then this program uses it.

--kernels alone prints one line for each kernel tier; --kernels=TIER forces one, as
HOLDFAST_KERNELS=TIER does for every command.`,
		Args: func(cmd *cobra.Command, list []string) error {
			if cmd.Flags().Changed("kernels") {
				return args(0, 1, "[--kernels [TIER]]")(cmd, list)
			}
			return args(0, 0, "")(cmd, list)
		},
		RunE: func(cmd *cobra.Command, list []string) error {
			if len(list) == 1 && o.kernels == listKernels {
				o.kernels = list[0] // --kernels TIER, with a space
			}
			tier := o.kernels
			if tier == listKernels {
				tier = ""
			}
			if err := a.Start(tier); err != nil {
				return err
			}
			switch {
			case o.check != "":
				return app.CheckTier(o.check)
			case o.verify:
				return verifyKernels(cmd.Context(), a, o.json)
			}
			if o.kernels == listKernels {
				return printTiers(a.IO.Out, app.Kernels())
			}
			d, err := app.Diagnose(!o.fast)
			if err != nil {
				return err
			}
			if o.json {
				return printJSON(a.IO.Out, d)
			}
			printDiagnosis(a.IO.Out, styleOf(a, a.IO.OutTerminal), d)
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.BoolVar(&o.fast, "no-measure", false, "do not measure speeds, which takes a few seconds")
	f.BoolVar(&o.verify, "verify", false, "test the kernels on this processor, and turn on what has passed")
	f.StringVar(&o.check, "check", "", "test the kernels of a `TIER` in this process")
	f.Lookup("check").Hidden = true
	f.StringVar(&o.kernels, "kernels", "", "list the kernel tiers, or force a `TIER`")
	f.Lookup("kernels").NoOptDefVal = listKernels
	return cmd
}

// verifyKernels tests the tiers one by one and prints what came out.
func verifyKernels(ctx context.Context, a *app.App, asJSON bool) error {
	verdicts, err := a.VerifyKernels(ctx, app.TestTier)
	if asJSON {
		err = errors.Join(err, printJSON(a.IO.Out, verdicts))
	} else {
		var rows [][]string
		for _, v := range verdicts {
			rows = append(rows, []string{v.Tier, map[bool]string{true: "passed", false: "FAILED"}[v.OK], v.Error})
		}
		table(a.IO.Out, "", rows)
	}
	for _, v := range verdicts {
		if !v.OK {
			err = errors.Join(err, errors.New(v.Advice()))
		}
	}
	return err
}

// printTiers prints one line for each tier.
func printTiers(w io.Writer, tiers []app.Tier) error {
	var rows [][]string
	for _, t := range tiers {
		rows = append(rows, []string{t.Name, t.State, t.Why})
	}
	table(w, "", rows)
	return nil
}

func printDiagnosis(w io.Writer, st style, d *app.Diagnosis) {
	c := d.CPU
	section := func(name string, rows [][]string) {
		fmt.Fprintf(w, "%s\n", st.bold(name))
		for _, r := range rows {
			fmt.Fprintf(w, "  %s  %s\n", st.dim(fmt.Sprintf("%-14s", r[0])), r[1])
		}
		fmt.Fprintln(w)
	}
	section("Processor", [][]string{
		{"model", or(c.Model, "not known")},
		{"cores", fmt.Sprintf("%d cores, %d threads; this process may use %d, holdfast uses %d", c.Cores, c.Threads, c.Usable, c.Workers)},
		{"features", or(strings.Join(c.Features, " "), "none that a kernel uses")},
		{"caches", fmt.Sprintf("L1 %s, L2 %s, L3 %s", cacheText(c.L1), cacheText(c.L2), cacheText(c.L3))},
		{"NUMA nodes", fmt.Sprint(c.Nodes)},
		{"cgroup", quotaText(c.Quota)},
	})
	m := d.Memory
	section("Memory", [][]string{
		{"total", bytesText(m.Total)},
		{"free", bytesText(m.Available)},
		{"cgroup", cgroupText(m)},
		{"usable", bytesText(m.Usable)},
		{"huge pages", m.HugePages},
		{"memlock", limitText(m.Memlock)},
	})
	if s := d.Speed; s != nil {
		rows := [][]string{{"read, 1 thread", fmt.Sprintf("%.1f GB/s", s.ReadOne)}, {"read, all", fmt.Sprintf("%.1f GB/s with %d threads", s.ReadAll, c.Workers)}}
		for _, p := range s.Peaks {
			rows = append(rows, []string{p.Kind + " peak", fmt.Sprintf("%.0f Gop/s with %d threads (%s)", p.Gops, c.Workers, p.Tier)})
		}
		section("Speed", append(rows, []string{"so", s.Meaning}))
	}
	fmt.Fprintf(w, "%s\n", st.bold("Kernels"))
	var rows [][]string
	for _, t := range d.Kernels {
		rows = append(rows, []string{t.Name, t.State, t.Why})
	}
	table(w, "  ", rows)
	fmt.Fprintf(w, "\n%s\n", st.bold("Advice"))
	for _, line := range d.Advice {
		fmt.Fprintf(w, "  - %s\n", line)
	}
}

func cacheText(n int) string {
	if n == 0 {
		return "not known"
	}
	return bytesText(int64(n))
}

func quotaText(q float64) string {
	if q == 0 || math.IsInf(q, 1) {
		return "no limit on processor time"
	}
	return fmt.Sprintf("processor time for %.3g processors", q)
}

func cgroupText(m app.MemoryReport) string {
	if m.CgroupLimit == 0 {
		return "no limit"
	}
	return fmt.Sprintf("limit %s, %s used", bytesText(m.CgroupLimit), bytesText(m.CgroupUsed))
}

func limitText(n int64) string {
	switch n {
	case 0:
		return "not known"
	case math.MaxInt64, -1:
		return "no limit"
	}
	return bytesText(n)
}
