import { createNodeEnv } from "./src/env/node/index.ts";
import { Log } from "./src/log/index.ts";
import { MemoryNetwork, RaftHost } from "./src/host/index.ts";
import { rmSync } from "node:fs";
const dir="/tmp/perf/data"; rmSync(dir,{recursive:true,force:true});
const SIZE=Number(process.argv[2]??16), WINDOW=Number(process.argv[3]??1024), SECONDS=Number(process.argv[4]??5), BATCH=Number(process.argv[5]??1), SYNC=process.argv[6]!=="nosync";
class Counter { appliedIndex=0; n=0;
 apply(es:any){ return es.map((e:any)=>{this.appliedIndex=e.index; return e.commands.map(()=>++this.n)}) }
 capture(){ return {read:()=>({read:async()=>null,cancel(){}}),close(){}} } async restore(_:any,i:number){this.appliedIndex=i} }
const envs=[]; const hosts=[]; const groups:any[]=[];
for(let i=1;i<=3;i++){ const env=await createNodeEnv({dataDirectory:`${dir}/${i}`}); 
 if(!SYNC){const d=env.disk as any; const open=d.open.bind(d); (env as any).disk={...['list','makeDirectory','rename','remove','syncDirectory','space','lock'].reduce((o:any,k)=>(o[k]=d[k].bind(d),o),{}),open:async(n:any,m:any)=>{const f=await open(n,m);f.sync=async()=>{};return f}} }
 envs.push(env);}
const net=new MemoryNetwork(envs[0]!.timers);
const p=[];
for(let i=1;i<=3;i++){ const env=envs[i-1]!; const log=await Log.open(env,{onFatal:e=>{console.log(e);process.exit(1)}}); const host=await RaftHost.start({nodeId:i,env,log,transport:net.join(i)}); hosts.push(host);
 p.push(host.openGroup({id:1,machine:new Counter() as any,founders:{voters:[1,2,3]}}).then(g=>groups.push(g))); }
await Promise.all(p);
let leader:any; while(!(leader=groups.find(g=>g.isLeader))) await new Promise(r=>setTimeout(r,50));
const cmd=new Uint8Array(SIZE).fill(7);
const cmds=Array.from({length:BATCH},()=>cmd);
let done=0; let stop=false; const lat:number[]=[];
async function client(){ while(!stop){ const t=performance.now(); if(BATCH===1) await leader.propose(cmd); else await leader.proposeAll(cmds); lat.push(performance.now()-t); done+=BATCH; } }
const cs=Array.from({length:WINDOW/BATCH},client);
await new Promise(r=>setTimeout(r,1500)); const d0=done; lat.length=0; const c0=process.cpuUsage(); const t0=performance.now();
await new Promise(r=>setTimeout(r,SECONDS*1000)); const n=done-d0; const secs=(performance.now()-t0)/1000; const c=process.cpuUsage(c0); stop=true; await Promise.all(cs);
lat.sort((a,b)=>a-b);
console.log(`${SIZE}B window ${WINDOW} batch ${BATCH}: ${(n/secs/1000).toFixed(0)}k/s p50 ${lat[lat.length>>1]!.toFixed(2)} p99 ${lat[Math.floor(lat.length*.99)]!.toFixed(2)} ms cpu s/M ${((c.user+c.system)/1e6/(n/1e6)).toFixed(2)} turns ${hosts.map(h=>h.counters.turns)}`);
process.exit(0);
