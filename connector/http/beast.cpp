// Beast's own code, compiled once (D17).
#include <boost/beast/src.hpp>
