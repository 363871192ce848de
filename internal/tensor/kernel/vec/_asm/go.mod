module github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec/_asm

go 1.26.0
