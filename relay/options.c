#include "relay/options.h"
