// Command emulate runs a program on a Linux/amd64 machine without AMX and does its
// tile instructions for it: each one is an illegal instruction, at which the
// program stops, and goes on behind it. That shows that the AMX kernels compute the
// right thing, where no processor at hand can; it says nothing about speed.
//
//	go test -c -tags emulatedamx -o /tmp/matmul.test ./internal/tensor/kernel/matmul
//	go run -C internal/tensor/kernel/matmul/_emulate . /tmp/matmul.test -test.run Kernels
//
// Package attend's tests run in the same way.
//
// Instructions are decoded from their bytes, so a wrong encoding in a kernel is an
// illegal instruction here too.
package main

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

const (
	traceClone = 0x8      // PTRACE_O_TRACECLONE
	exitKill   = 0x100000 // PTRACE_O_EXITKILL
	wall       = 0x40000000
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: emulate PROGRAM ARGUMENTS...")
	}
	runtime.LockOSThread() // a traced program obeys one thread
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		log.Fatal(err)
	}
	root := cmd.Process.Pid
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(root, &status, 0, nil); err != nil {
		log.Fatal(err)
	}
	if err := syscall.PtraceSetOptions(root, traceClone|exitKill); err != nil {
		log.Fatal(err)
	}
	os.Exit(follow(root))
}

// follow lets the program run until it ends, and returns its exit code.
func follow(root int) int {
	mem := memory(root)
	threads := map[int]*tiles{root: {mem: mem}}
	done := 0
	_ = syscall.PtraceCont(root, 0)
	for {
		var status syscall.WaitStatus
		tid, err := syscall.Wait4(-1, &status, wall, nil)
		if err != nil {
			log.Fatal(err)
		}
		if status.Exited() || status.Signaled() {
			if tid == root {
				fmt.Fprintln(os.Stderr, "emulated instructions:", done)
				return status.ExitStatus()
			}
			continue
		}
		deliver := int(status.StopSignal())
		if threads[tid] == nil {
			threads[tid] = &tiles{mem: mem}
			deliver = 0 // the stop with which a thread begins
		}
		switch syscall.Signal(deliver) {
		case syscall.SIGTRAP:
			deliver = 0
		case syscall.SIGILL:
			if err := step(tid, threads[tid]); err != nil {
				log.Printf("thread %d: %v", tid, err)
			} else {
				done++
				deliver = 0
			}
		}
		_ = syscall.PtraceCont(tid, deliver)
	}
}

// step does the instruction at which a thread stopped.
func step(tid int, t *tiles) error {
	var regs syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(tid, &regs); err != nil {
		return err
	}
	var code [6]byte
	if err := t.mem.rows([][]byte{code[:]}, int64(regs.Rip), 0, false); err != nil {
		return err
	}
	n, err := t.run(code, &regs)
	if err != nil {
		return fmt.Errorf("% x at %#x: %w", code, regs.Rip, err)
	}
	regs.Rip += uint64(n)
	return syscall.PtraceSetRegs(tid, &regs)
}
