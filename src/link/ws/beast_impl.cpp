// Beast's and Asio-over-OpenSSL's non-template code, compiled once for the whole program.
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
