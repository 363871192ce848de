// The instructions of the AVX-VNNI kernels in their AVX-512 form, which is what
// the assembler writes. Same results, other machines.
#define DPBUSD0 VPDPBUSD Y8, Y9, Y0
#define DPBUSD1 VPDPBUSD Y8, Y9, Y1
#define DPBUSD2 VPDPBUSD Y8, Y9, Y2
#define DPBUSD3 VPDPBUSD Y8, Y9, Y3
#define PDPBUSD0 VPDPBUSD Y7, Y5, Y0
#define PDPBUSD1 VPDPBUSD Y7, Y5, Y1
#define PDPBUSD2 VPDPBUSD Y7, Y5, Y2
#define PDPBUSD3 VPDPBUSD Y7, Y5, Y3
