"""The benchmark of the engine as a compiler: `./bareflow bench jit`.

Thirty classic C programs (`bench/programs/`), each compiled once to bitcode by `clang -O2`. From
that one bitcode come the native program (`clang -O2` again), our IR image (`bf-lower`), and what
LLVM's ORC JIT runs. All of them run in turn, on the same machine in the same minutes.

    programs.py      the programs, how they are built, notes about them
    timing.py        running processes in turn, and what of their time counts
    speed.py         engines against the native program
    compile_time.py  our compilers against LLVM's code generation, function by function
    memory.py        what the engine needs for a program of a thousand functions
    tables.py        all of it at 80 columns

`bench/README.md` says how to read the result.
"""
