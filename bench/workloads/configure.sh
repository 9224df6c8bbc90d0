# the `configure` of dash, as autoconf made it
cp -r /opt/materials/sources/dash . && cd dash
./configure --quiet
