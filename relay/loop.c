#include "relay/loop.h"
