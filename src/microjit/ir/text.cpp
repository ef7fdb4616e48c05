#include "microjit/ir/text.h"
