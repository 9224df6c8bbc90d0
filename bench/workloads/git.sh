# 10 commits on a branch, a rebase and a clone
git init -q -b main a && cd a && git commit -q --allow-empty -m root && git checkout -q -b work
for i in 1 2 3 4 5 6 7 8 9 10; do echo $i > f$i; git add f$i; git commit -q -m $i; done
git checkout -q main && git commit -q --allow-empty -m side && git checkout -q work && git rebase -q main
cd .. && git clone -q a b
