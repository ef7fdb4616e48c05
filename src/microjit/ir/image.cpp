#include "microjit/ir/image.h"
