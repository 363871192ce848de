package cpu

import xcpu "golang.org/x/sys/cpu"

func has(tier string) bool {
	x := &xcpu.ARM64
	switch tier {
	case "neon":
		return x.HasASIMD
	case "dotprod":
		return x.HasASIMDDP
	case "i8mm":
		return x.HasASIMDDP && x.HasI8MM
	case "sve":
		return x.HasSVE
	}
	return false
}

// features lists what matters to a model, in the words of /proc/cpuinfo.
func features() []string {
	x := &xcpu.ARM64
	return present([]feature{
		{"asimd", x.HasASIMD},
		{"asimdhp", x.HasASIMDHP},
		{"asimddp", x.HasASIMDDP},
		{"asimdfhm", x.HasASIMDFHM},
		{"i8mm", x.HasI8MM},
		{"sve", x.HasSVE},
		{"sve2", x.HasSVE2},
	})
}
