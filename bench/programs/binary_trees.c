// Perfect binary trees made and dropped: malloc, free and recursion.
#include <stdio.h>
#include <stdlib.h>

struct Node {
  struct Node *left, *right;
};

static struct Node* make(int depth) {
  struct Node* node = malloc(sizeof *node);
  node->left = depth > 0 ? make(depth - 1) : NULL;
  node->right = depth > 0 ? make(depth - 1) : NULL;
  return node;
}

static int check(const struct Node* node) {
  return node->left ? 1 + check(node->left) + check(node->right) : 1;
}

static void drop(struct Node* node) {
  if (node->left) {
    drop(node->left);
    drop(node->right);
  }
  free(node);
}

int main(int argc, char** argv) {
  const int deepest = argc > 1 ? atoi(argv[1]) : 18;
  struct Node* kept = make(deepest);
  for (int depth = 4; depth <= deepest; depth += 4) {
    const int rounds = 1 << (deepest - depth + 4);
    int sum = 0;
    for (int i = 0; i < rounds; ++i) {
      struct Node* tree = make(depth);
      sum += check(tree);
      drop(tree);
    }
    printf("%d trees of depth %d, check %d\n", rounds, depth, sum);
  }
  printf("kept tree of depth %d, check %d\n", deepest, check(kept));
  drop(kept);
  return 0;
}
