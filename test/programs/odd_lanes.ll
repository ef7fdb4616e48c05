; What clang makes of no C, but other optimisers might: vectors of wide and odd integers, masks of one
; lane, switches on 128 bits, division of 200, intrinsics that are lowered for scalars only.
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
target triple = "x86_64-pc-linux-gnu"

@format = private constant [9 x i8] c"%d %llx\0A\00"
@lanes = internal global <5 x i13> <i13 1, i13 -2, i13 333, i13 -4000, i13 55>
@bits = internal global <11 x i1> <i1 1, i1 0, i1 1, i1 1, i1 0, i1 0, i1 0, i1 1, i1 1, i1 0, i1 1>
@wide = internal global <3 x i72> <i72 -1, i72 4722366482869645213695, i72 77>

declare i32 @printf(ptr, ...)
declare <2 x i1> @llvm.is.fpclass.v2f64(<2 x double>, i32)
declare <2 x i17> @llvm.fptosi.sat.v2i17.v2f32(<2 x float>)
declare <2 x i32> @llvm.ucmp.v2i32.v2i64(<2 x i64>, <2 x i64>)
declare i100 @llvm.scmp.i100.i64(i64, i64)
declare { <4 x i32>, <4 x i1> } @llvm.smul.with.overflow.v4i32(<4 x i32>, <4 x i32>)
declare { i1, i1 } @llvm.ssub.with.overflow.i1(i1, i1)
declare <4 x i1> @llvm.usub.sat.v4i1(<4 x i1>, <4 x i1>)
declare i13 @llvm.vector.reduce.smin.v5i13(<5 x i13>)
declare i72 @llvm.vector.reduce.umax.v3i72(<3 x i72>)
declare i72 @llvm.fshl.i72(i72, i72, i72)

define internal void @show(i32 %line, i64 %x) noinline {
  %printed = call i32 (ptr, ...) @printf(ptr @format, i32 %line, i64 %x)
  ret void
}

; Opaque to optimisers.
define internal i64 @id(i64 %x) noinline optnone {
  ret i64 %x
}

define internal i32 @which(i128 %x) noinline {
  switch i128 %x, label %other [
    i128 0, label %zero
    i128 18446744073709551616, label %big
    i128 -1, label %big
  ]
zero:
  ret i32 10
big:
  %n = phi i32 [ 20, %0 ], [ 20, %0 ]
  ret i32 %n
other:
  ret i32 30
}

define internal <3 x i72> @through(<3 x i72> %a, i32 %lane, i72 %x) noinline {
  %b = insertelement <3 x i72> %a, i72 %x, i32 %lane
  ret <3 x i72> %b
}

define i32 @main() {
  ; Switches
  %minus = call i64 @id(i64 -1)
  %m = sext i64 %minus to i128
  %high = shl i128 %m, 64
  %one = sub i128 0, %high
  %w1 = call i32 @which(i128 %m)
  %w2 = call i32 @which(i128 %one)
  %w3 = call i32 @which(i128 7)
  %w12 = add i32 %w1, %w2
  %w = mul i32 %w12, %w3
  %w64 = zext i32 %w to i64
  call void @show(i32 1, i64 %w64)

  ; Division of 200 bits
  %n0 = zext i128 %m to i200
  %n = mul i200 %n0, 1234567890123456789012345
  %seven = call i64 @id(i64 7)
  %d = zext i64 %seven to i200
  %d2 = shl i200 %d, 70
  %q = udiv i200 %n, %d2
  %r = srem i200 %n, %d2
  %qs = lshr i200 %q, 30
  %q64 = trunc i200 %qs to i64
  %rs = lshr i200 %r, 16
  %r64 = trunc i200 %rs to i64
  call void @show(i32 2, i64 %q64)
  call void @show(i32 3, i64 %r64)

  ; Lanes in memory and in data
  %l = load <5 x i13>, ptr @lanes
  %least = call i13 @llvm.vector.reduce.smin.v5i13(<5 x i13> %l)
  %least64 = sext i13 %least to i64
  call void @show(i32 4, i64 %least64)
  %l2 = mul <5 x i13> %l, %l
  store <5 x i13> %l2, ptr @lanes
  %raw = load i64, ptr @lanes
  call void @show(i32 5, i64 %raw)
  %bits = load <11 x i1>, ptr @bits
  %b11 = bitcast <11 x i1> %bits to i11
  %b64 = zext i11 %b11 to i64
  call void @show(i32 6, i64 %b64)

  ; Lanes of two words: through a call, shuffled, compared, reduced
  %v = load <3 x i72>, ptr @wide
  %two = call i64 @id(i64 2)
  %two32 = trunc i64 %two to i32
  %x72 = zext i64 %minus to i72
  %t = call <3 x i72> @through(<3 x i72> %v, i32 %two32, i72 %x72)
  %s = shufflevector <3 x i72> %t, <3 x i72> %v, <4 x i32> <i32 5, i32 2, i32 0, i32 3>
  %c = icmp slt <4 x i72> %s, <i72 78, i72 0, i72 0, i72 -1>
  %c4 = bitcast <4 x i1> %c to i4
  %c64 = zext i4 %c4 to i64
  call void @show(i32 7, i64 %c64)
  %most = call i72 @llvm.vector.reduce.umax.v3i72(<3 x i72> %t)
  %ms = lshr i72 %most, 8
  %m64 = trunc i72 %ms to i64
  call void @show(i32 8, i64 %m64)
  %turned = call i72 @llvm.fshl.i72(i72 %most, i72 %x72, i72 %x72)
  %turned64 = trunc i72 %turned to i64
  call void @show(i32 9, i64 %turned64)
  %p = alloca [64 x i8], align 8
  store <4 x i72> %s, ptr %p, align 1
  %at = getelementptr i8, ptr %p, i64 28
  %back = load i64, ptr %at, align 1
  call void @show(i32 10, i64 %back)
  %f = sitofp <4 x i72> %s to <4 x double>
  %f0 = extractelement <4 x double> %f, i32 1
  %fi = bitcast double %f0 to i64
  call void @show(i32 11, i64 %fi)

  ; Masks of one lane
  %low = trunc i64 %two to i1
  %k1 = insertelement <1 x i1> poison, i1 %low, i32 0
  %k4 = shufflevector <1 x i1> %k1, <1 x i1> <i1 true>, <4 x i32> <i32 1, i32 0, i32 0, i32 1>
  %k4b = bitcast <4 x i1> %k4 to <2 x i2>
  %k20 = extractelement <2 x i2> %k4b, i32 1
  %k64 = zext i2 %k20 to i64
  call void @show(i32 12, i64 %k64)
  %cs = shufflevector <4 x i1> %c, <4 x i1> %k4, <1 x i32> <i32 7>
  %cb = bitcast <1 x i1> %cs to i1
  %cb64 = zext i1 %cb to i64
  call void @show(i32 13, i64 %cb64)

  ; Intrinsics lane by lane
  %floats = bitcast <2 x i64> <i64 9218868437227405312, i64 4> to <2 x double>
  %cls = call <2 x i1> @llvm.is.fpclass.v2f64(<2 x double> %floats, i32 128)
  %cls2 = bitcast <2 x i1> %cls to i2
  %cls64 = zext i2 %cls2 to i64
  call void @show(i32 14, i64 %cls64)
  %big = sitofp i64 %minus to float
  %big2 = fmul float %big, 1.0e+10
  %g = insertelement <2 x float> <float 70000.0, float 0.0>, float %big2, i32 1
  %sat = call <2 x i17> @llvm.fptosi.sat.v2i17.v2f32(<2 x float> %g)
  %sat0 = extractelement <2 x i17> %sat, i32 0
  %sat1 = extractelement <2 x i17> %sat, i32 1
  %sat2 = sub i17 %sat0, %sat1
  %sat64 = sext i17 %sat2 to i64
  call void @show(i32 15, i64 %sat64)
  %two2 = insertelement <2 x i64> <i64 2, i64 3>, i64 %two, i32 1
  %order = call <2 x i32> @llvm.ucmp.v2i32.v2i64(<2 x i64> %two2, <2 x i64> <i64 1, i64 5>)
  %order64 = bitcast <2 x i32> %order to i64
  call void @show(i32 16, i64 %order64)
  %below = call i100 @llvm.scmp.i100.i64(i64 %minus, i64 %two)
  %belows = lshr i100 %below, 50
  %below64 = trunc i100 %belows to i64
  call void @show(i32 17, i64 %below64)
  %w4 = bitcast <2 x i64> %two2 to <4 x i32>
  %w4x = shl <4 x i32> %w4, <i32 29, i32 1, i32 15, i32 0>
  %product = call { <4 x i32>, <4 x i1> } @llvm.smul.with.overflow.v4i32(<4 x i32> %w4x, <4 x i32> %w4x)
  %over = extractvalue { <4 x i32>, <4 x i1> } %product, 1
  %over4 = bitcast <4 x i1> %over to i4
  %over64 = zext i4 %over4 to i64
  call void @show(i32 18, i64 %over64)
  %nolow = xor i1 %low, true
  %pair = call { i1, i1 } @llvm.ssub.with.overflow.i1(i1 %low, i1 %nolow)
  %pair1 = extractvalue { i1, i1 } %pair, 1
  %pair64 = zext i1 %pair1 to i64
  call void @show(i32 19, i64 %pair64)
  %less = call <4 x i1> @llvm.usub.sat.v4i1(<4 x i1> %k4, <4 x i1> %c)
  %less4 = bitcast <4 x i1> %less to i4
  %less64 = zext i4 %less4 to i64
  call void @show(i32 20, i64 %less64)
  ret i32 0
}
