#!/usr/bin/env python3
"""Makes link stubs of the CUDA libraries, so that one binary starts with and without them.

    scripts/cuda-stubs.py CUDA_HOME

A program linked against libcuda, libcublas, libcublasLt, libcurand and libnvrtc in the ordinary way does not even start
where one of them is missing. This writes CUDA_HOME/lib/lib*.so as linker scripts that name a static archive instead.
For every function the archive has a jump through a slot, as a procedure linkage table has:

    cuInit:          jmp *slot                 slot -> first:  load the library, find the function,
                                                               put its address into the slot, go there

The library is loaded when its first function is called. Where the library or the function is missing, the slot leads to
a function that returns that library's own code for it, such as 100, `CUDA_ERROR_NO_DEVICE`; all these functions return
a status. libcudart.so becomes a linker script for the static library that the toolkit has. x86-64 only.
"""
import pathlib
import re
import subprocess
import sys

# name: (file that is loaded, what its functions return without it)
LIBRARIES = {
    "cuda": ("libcuda.so.1", 100),  # CUDA_ERROR_NO_DEVICE
    "cublas": ("libcublas.so.13", 1),  # CUBLAS_STATUS_NOT_INITIALIZED
    "cublasLt": ("libcublasLt.so.13", 1),  # CUBLAS_STATUS_NOT_INITIALIZED
    "curand": ("libcurand.so.10", 101),  # CURAND_STATUS_NOT_INITIALIZED
    "nvrtc": ("libnvrtc.so.13", 11),  # NVRTC_ERROR_INTERNAL_ERROR
}

# A slot and a name for each function; `find` fills the slot. On entry to `first` the caller's arguments are where it
# put them, and stay there: six integers, eight vectors, and their number in %al.
ASSEMBLY = """\
    .macro function name
    .text
    .globl \\name
    .type \\name, @function
    .p2align 4
\\name:
    jmp *slot_\\name(%rip)
    .size \\name, . - \\name
first_\\name:
    leaq slot_\\name(%rip), %r11
    jmp first
    .section .rodata.names, "a", @progbits
name_\\name:
    .asciz "\\name"
    .section .data.slots, "aw", @progbits
    .p2align 4
slot_\\name:
    .quad first_\\name
    .quad name_\\name
    .endm

    .text
    .type first, @function
first:
    pushq %rbp
    movq %rsp, %rbp
    subq $192, %rsp
    movq %rdi, 128(%rsp)
    movq %rsi, 136(%rsp)
    movq %rdx, 144(%rsp)
    movq %rcx, 152(%rsp)
    movq %r8, 160(%rsp)
    movq %r9, 168(%rsp)
    movq %rax, 176(%rsp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups %xmm\\n, 16 * \\n(%rsp)
    .endr
    movq %r11, %rdi
    call docent_find_in_@LIBRARY@
    movq %rax, %r11
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7
    movups 16 * \\n(%rsp), %xmm\\n
    .endr
    movq 128(%rsp), %rdi
    movq 136(%rsp), %rsi
    movq 144(%rsp), %rdx
    movq 152(%rsp), %rcx
    movq 160(%rsp), %r8
    movq 168(%rsp), %r9
    movq 176(%rsp), %rax
    leave
    jmp *%r11
    .size first, . - first

    .section .note.GNU-stack, "", @progbits
"""

# Two threads may come here at once with the same slot: both find the same address, and dlopen counts.
SOURCE = """\
#include <dlfcn.h>
#include <stdlib.h>

struct slot { void *address; const char *name; };

static long missing(void) { return @CODE@; }

__attribute__((visibility("hidden"))) void *docent_find_in_@LIBRARY@(struct slot *slot) {
    void *library = dlopen("@FILE@", RTLD_NOW | RTLD_GLOBAL);
    void *address = library ? dlsym(library, slot->name) : NULL;
    if (!address) address = (void *)missing;
    __atomic_store_n(&slot->address, address, __ATOMIC_RELEASE);
    return address;
}
"""


def functions(home: pathlib.Path, name: str, file: str) -> list:
    """The names of a library's functions."""
    if name == "cuda":  # the driver brings it, the toolkit has only its header, which also spells names by macros
        words = set(re.findall(r"\bcu[A-Z]\w*", (home / "include/cuda.h").read_text()))
        words |= {word + version for word in words for version in ["_v2", "_v3", "_v4"]}
        return sorted(word for word in words if not re.search(r"_t$|_st$|_enum$|_flags$", word))
    table = subprocess.run(["nm", "--dynamic", "--defined-only", home / "lib" / file], capture_output=True, text=True, check=True)
    words = (line.split()[-1].split("@")[0] for line in table.stdout.splitlines() if re.search(r" [TW] ", line))
    return sorted({word for word in words if re.match(r"cublas|curand|nvrtc", word)})


def make(home: pathlib.Path, name: str, file: str, code: int) -> None:
    folder = home / "stubs"
    folder.mkdir(exist_ok=True)
    fill = lambda text: text.replace("@LIBRARY@", name).replace("@FILE@", file).replace("@CODE@", str(code))
    found = functions(home, name, file)
    calls = "".join(f"    function {word}\n" for word in found)
    objects = []
    for suffix, text in [(".s", fill(ASSEMBLY) + calls), (".c", fill(SOURCE))]:
        source, target = folder / f"{name}{suffix}", folder / f"{name}{suffix}.o"
        source.write_text(text)
        subprocess.run(["gcc", "-O2", "-fPIC", "-c", source, "-o", target], check=True)
        objects.append(target)
    archive = folder / f"libdocent_{name}_stub.a"
    archive.unlink(missing_ok=True)
    subprocess.run(["ar", "crs", archive, *objects], check=True)
    script = home / "lib" / f"lib{name}.so"
    script.unlink(missing_ok=True)
    script.write_text(f"/* GNU ld script: the library is loaded when it is first called */\nINPUT({archive} -ldl)\n")
    print(f"lib{name}.so: {len(found)} functions of {file}")


def main() -> None:
    home = pathlib.Path(sys.argv[1]).resolve()
    for name, (file, code) in LIBRARIES.items():
        make(home, name, file, code)
    runtime = home / "lib/libcudart.so"
    runtime.unlink(missing_ok=True)
    runtime.write_text(f"/* GNU ld script */\nINPUT({home}/lib/libcudart_static.a -ldl -lrt -lpthread)\n")


main()
