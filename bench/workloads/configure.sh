# the `configure` of zlib, written by hand
cp -r /opt/materials/sources/zlib . && cd zlib
./configure --static
