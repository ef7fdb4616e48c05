// A stack machine's interpreter: one switch in a loop, running primes and Collatz in its bytecode.
#include <stdio.h>
#include <stdlib.h>

enum Op {
  kPush,
  kLoad,
  kStore,
  kAdd,
  kMul,
  kMod,
  kShr,
  kAnd,
  kLess,
  kEqual,
  kJump,
  kJumpZero,
  kHalt
};
enum { kLimit, kResult, kI, kN };

static int code[256], length;

static void emit(enum Op op) {
  code[length++] = op;
}
static void emit_with(enum Op op, int operand) {
  code[length++] = op;
  code[length++] = operand;
}
static void set(int local, int value) {
  emit_with(kPush, value);
  emit_with(kStore, local);
}
static void add_to(int local, int value) {
  emit_with(kLoad, local);
  emit_with(kPush, value);
  emit(kAdd);
  emit_with(kStore, local);
}
static void load_two(int a, int b) {
  emit_with(kLoad, a);
  emit_with(kLoad, b);
}
// A jump whose target is not known yet: gives the place to put it.
static int jump(enum Op op) {
  emit_with(op, 0);
  return length - 1;
}

// How many numbers from 2 to the limit have no divisor up to their root.
static void assemble_primes(void) {
  length = 0;
  set(kResult, 0);
  set(kI, 2);
  const int each_number = length;
  load_two(kI, kLimit);
  emit(kLess);
  const int done = jump(kJumpZero);
  set(kN, 2);
  const int each_divisor = length;
  load_two(kI, kN);
  emit_with(kLoad, kN);
  emit(kMul);
  emit(kLess);
  const int try_it = jump(kJumpZero);
  add_to(kResult, 1);
  const int prime = jump(kJump);
  code[try_it] = length;
  load_two(kI, kN);
  emit(kMod);
  const int divides = jump(kJumpZero);
  add_to(kN, 1);
  emit_with(kJump, each_divisor);
  code[prime] = code[divides] = length;
  add_to(kI, 1);
  emit_with(kJump, each_number);
  code[done] = length;
  emit(kHalt);
}

// Steps of the Collatz sequences from all numbers below the limit.
static void assemble_collatz(void) {
  length = 0;
  set(kResult, 0);
  set(kI, 1);
  const int each_number = length;
  load_two(kI, kLimit);
  emit(kLess);
  const int done = jump(kJumpZero);
  emit_with(kLoad, kI);
  emit_with(kStore, kN);
  const int each_step = length;
  emit_with(kLoad, kN);
  emit_with(kPush, 1);
  emit(kEqual);
  const int go_on = jump(kJumpZero);
  add_to(kI, 1);
  emit_with(kJump, each_number);
  code[go_on] = length;
  add_to(kResult, 1);
  emit_with(kLoad, kN);
  emit_with(kPush, 1);
  emit(kAnd);
  const int even = jump(kJumpZero);
  emit_with(kLoad, kN);
  emit_with(kPush, 3);
  emit(kMul);
  emit_with(kStore, kN);
  add_to(kN, 1);
  emit_with(kJump, each_step);
  code[even] = length;
  emit_with(kLoad, kN);
  emit_with(kPush, 1);
  emit(kShr);
  emit_with(kStore, kN);
  emit_with(kJump, each_step);
  code[done] = length;
  emit(kHalt);
}

static long run(long limit, long* instructions) {
  long stack[32], locals[4] = {limit}, *top = stack;
  const int* pc = code;
  for (;;) {
    ++*instructions;
    switch (*pc++) {
      case kPush:
        *++top = *pc++;
        break;
      case kLoad:
        *++top = locals[*pc++];
        break;
      case kStore:
        locals[*pc++] = *top--;
        break;
      case kAdd:
        --top;
        top[0] += top[1];
        break;
      case kMul:
        --top;
        top[0] *= top[1];
        break;
      case kMod:
        --top;
        top[0] %= top[1];
        break;
      case kShr:
        --top;
        top[0] >>= top[1];
        break;
      case kAnd:
        --top;
        top[0] &= top[1];
        break;
      case kLess:
        --top;
        top[0] = top[0] < top[1];
        break;
      case kEqual:
        --top;
        top[0] = top[0] == top[1];
        break;
      case kJump:
        pc = code + *pc;
        break;
      case kJumpZero:
        pc = *top-- ? pc + 1 : code + *pc;
        break;
      case kHalt:
        return locals[kResult];
    }
  }
}

int main(int argc, char** argv) {
  const long limit = argc > 1 ? atoi(argv[1]) : 150000;
  long instructions = 0;
  assemble_primes();
  printf("primes %ld, ", run(limit, &instructions));
  assemble_collatz();
  printf("steps %ld, ", run(limit / 2, &instructions));
  printf("instructions %ld\n", instructions);
  return 0;
}
