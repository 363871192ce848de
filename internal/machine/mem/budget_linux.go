package mem

import "os"

func budget() Limits {
	l := readLimits(os.DirFS("/"))
	l.Memlock = memlock()
	return l
}
