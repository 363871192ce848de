//go:build noasm || !amd64

package matmul

type amxScratch struct{}

func (j *job) amx(_, _ int) int { return 0 }

func (j *job) amxBrains(_, _ int) bool { return false }
