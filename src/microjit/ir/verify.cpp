#include "microjit/ir/verify.h"
